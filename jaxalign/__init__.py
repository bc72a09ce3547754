"""How well the concept spaces of multilingual language models align.

From Python, `import jaxalign` is enough:

    load_model      a folder in Hugging Face format, a hub id or "demo" -> a model with its tokenizer
    hidden_states   token ids -> hidden states of every layer, (layer + 1, token, feature) per text
    embed           texts -> one vector per text and layer, (layer, text, feature)
    rank            spaces of several languages -> rank of the right answer, {setting: (source, target, query)}
    precision_at    ranks -> P@k, (source, target)
    run, Config     a whole run as on the command line
    apply_map       vectors of other words -> the space of another language, by a map of --export_maps
    read_results    a finished run -> its rows as a pandas DataFrame

A space is a matrix whose rows are concepts and whose columns are features; the rows of all languages stand for the
same concepts. Each name is imported at its first use, so that `import jaxalign` loads neither JAX nor NumPy.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what editors and type checkers see
    from jaxalign.alignment.map_file import apply_map
    from jaxalign.config import Config
    from jaxalign.embeddings.embed import embed
    from jaxalign.evaluation.pairs import rank
    from jaxalign.experiment.run import run
    from jaxalign.metrics.gains import precision_at
    from jaxalign.models import hidden_states, load_model
    from jaxalign.report.data_frame import read_results

__version__ = "0.1.0"
__all__ = ["Config", "apply_map", "embed", "hidden_states", "load_model", "precision_at", "rank", "read_results", "run"]

# The module and the name in it that each public name stands for.
_SOURCES = {
    "Config": ("jaxalign.config", "Config"),
    "apply_map": ("jaxalign.alignment.map_file", "apply_map"),
    "embed": ("jaxalign.embeddings.embed", "embed"),
    "hidden_states": ("jaxalign.models", "hidden_states"),
    "load_model": ("jaxalign.models", "load_model"),
    "precision_at": ("jaxalign.metrics.gains", "precision_at"),
    "rank": ("jaxalign.evaluation.pairs", "rank"),
    "read_results": ("jaxalign.report.data_frame", "read_results"),
    "run": ("jaxalign.experiment.run", "run"),
}


if not TYPE_CHECKING:  # with a visible __getattr__ a type checker would accept any name

    def __getattr__(name: str) -> Any:
        """Imports a public name at its first use (PEP 562)."""
        if name not in _SOURCES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, attribute = _SOURCES[name]
        value = getattr(import_module(module), attribute)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
