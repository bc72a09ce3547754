"""Flax ports of multilingual language models, read directly from Hugging Face checkpoints.

    model = models.load_model("demo")                   # a Flax module with model.tokenizer
    model(tokens)                                       # (layer + 1, batch, token, feature)
    models.hidden_states(model, [[5, 17, 3], [8]])      # list of (layer + 1, token, feature)
    models.pooled(model.config, model.params, batch, layers=(0, 1))    # (layer, row, vector, feature), under jax.jit

`config` reads config.json, `layers` and `transformer` compute, `packed` runs batches of packed texts, `checkpoint/`
reads files and places parameters on the devices, `families/` has one short file per model family.

**To add a Llama-shaped family** write one file like `families/qwen3.py`:

1. `MODEL_TYPES`: the values of `model_type` in config.json that it reads; `PREFIXES` that may stand before its keys,
   and `IGNORED`, regular expressions of keys that no hidden state needs (take both from `_llama_like`).
2. `read(raw)`: the `Config`; `read_decoder` reads the usual fields, keyword arguments say what differs.
3. `table(config)`: leaf -> checkpoint key; `decoder_table` follows the options of the config. A tensor that the table
   does not name is an error that names its key.

Then add the module to `registry.DECODERS` and give `tests/models/families/` a file with a tiny config: the parity test
does the rest.
"""

from jaxalign.models.checkpoint.hub import demo_path
from jaxalign.models.checkpoint.load import load_model
from jaxalign.models.config import Config
from jaxalign.models.families.registry import read_config
from jaxalign.models.model import Model, hidden_states, random_model
from jaxalign.models.packed import decoded, pooled, states, used_vectors
from jaxalign.models.parameters import abstract, active_parameters, random_params, unstacked, with_wider_mlp
from jaxalign.models.transformer import Transformer

__all__ = [
    "Config",
    "Model",
    "Transformer",
    "abstract",
    "active_parameters",
    "decoded",
    "demo_path",
    "hidden_states",
    "load_model",
    "pooled",
    "random_model",
    "random_params",
    "read_config",
    "states",
    "unstacked",
    "used_vectors",
    "with_wider_mlp",
]
