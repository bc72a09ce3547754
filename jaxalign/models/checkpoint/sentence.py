"""What a sentence-transformers folder says of its vectors: pooling, Dense maps, prompts, lower case."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.types import InputError

POOLINGS = {"pooling_mode_cls_token": "first", "pooling_mode_mean_tokens": "mean", "pooling_mode_lasttoken": "last"}


class SentenceModules(NamedTuple):
    """How a model makes one vector of a text."""

    pooling: str = ""  # "first", "mean" or "last"; "": the folder says nothing
    refused: str = ""  # why no pooling of ours gives the model's own vectors; "": nothing
    prompts: tuple[tuple[str, str], ...] = ()  # name and text to be put before a text, "query" and "query: "
    warnings: tuple[str, ...] = ()

    def pooling_of(self, name: str, otherwise: str) -> str:
        """Returns the pooling of the model `name`; `otherwise`, its family's, where the folder says nothing.

        Raises InputError if the folder makes its vectors in a way that no pooling of ours gives.
        """
        if self.refused:
            raise InputError(
                f"Expected a model whose vectors are pooled hidden states, got {name}, which {self.refused}. "
                f"Give --pooling={self.pooling or 'mean'} for the pooled hidden states themselves."
            )
        return self.pooling or otherwise


def transformer_folder(folder: Path) -> Path:
    """Returns the folder of config.json and weights: `folder`, or its module `0_Transformer`."""
    if (folder / "config.json").is_file():
        return folder
    for module in _modules(folder):
        inner = folder / str(module.get("path", ""))
        if str(module.get("type", "")).endswith("Transformer") and (inner / "config.json").is_file():
            if not inner.resolve().is_relative_to(folder.resolve()):
                raise InputError(f"Expected the modules of {folder} inside of it, got {inner}. Change --models.")
            return inner
    return folder


def read_sentence_modules(folder: Path) -> SentenceModules:
    """Returns what `modules.json` of `folder` and the files that it names say; nothing where there is none."""
    pooling, refused, warnings = "", [], []
    for module in _modules(folder):
        kind, path = str(module.get("type", "")).rpartition(".")[2], folder / str(module.get("path", ""))
        if kind == "Pooling":
            fields = _json(path / "config.json") or {}
            chosen = [name for name, value in fields.items() if name.startswith("pooling_mode") and value is True]
            named = fields.get("pooling_mode")
            chosen = chosen or [f"pooling_mode_{part}" for part in ([named] if isinstance(named, str) else named or [])]
            known = {**POOLINGS, "pooling_mode_cls": "first", "pooling_mode_mean": "mean"}
            if len(chosen) == 1 and chosen[0] in known:
                pooling = known[chosen[0]]
            else:
                modes = [name.removeprefix("pooling_mode_") for name in chosen]
                refused.append(f"pools by {' and '.join(modes) or 'no mode'}")
        elif kind not in ("Transformer", "Normalize"):  # retrieval compares directions: length 1 changes nothing
            refused.append(f"maps its vectors through {kind} ({module.get('path')})")
    settings = _json(folder / "sentence_bert_config.json") or {}
    if settings.get("do_lower_case"):
        warnings.append("sentence-transformers puts this model's texts in lower case first; jaxalign does not.")
    prompts = (_json(folder / "config_sentence_transformers.json") or {}).get("prompts") or {}
    named_prompts = tuple((str(name), str(text)) for name, text in prompts.items() if isinstance(text, str) and text)
    if named_prompts:
        warnings.append(_offer(named_prompts, pooling))
    return SentenceModules(pooling, " and ".join(refused), named_prompts, tuple(warnings))


def _offer(prompts: tuple[tuple[str, str], ...], pooling: str) -> str:
    """The sentence that names the model's own prompts, and the template that puts the first plain one before a word."""
    said = (
        f"the model has prompts of its own, {', '.join(f'{name} ({text!r})' for name, text in prompts)}, and gets none."
    )
    plain = [(name, text) for name, text in prompts if text.strip() and not re.search(r"[{}\t\r\n]", text)]
    if not plain:
        return said
    cells = (re.sub("[^0-9A-Za-z_-]+", "-", plain[0][0]), "*", "plain", plain[0][1] + "{text}")
    pool = f" --pooling={pooling}" if pooling else ""
    return (
        f"{said} To give one: --embeddings=prompt{pool} --template_names={cells[0]} and a file of --templates with the "
        f"columns name, language, form, template (tabs between them) and the line {'<tab>'.join(cells)}"
    )


def _modules(folder: Path) -> list[dict[str, Any]]:
    modules = _json(folder / "modules.json")
    return [module for module in modules if isinstance(module, dict)] if isinstance(modules, list) else []


def _json(path: Path) -> Any:
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected JSON in {path}, got {error}. Download it again, or change --models.") from error
