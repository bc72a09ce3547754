"""Flax ports of multilingual language models, read straight from Hugging Face checkpoints.

    model = models.load("demo")
    models.pooled(model.config, model.params, batch, layers=(0, 1))    # (layer, row, pick, feature), jittable

`config` reads config.json, `layers` and `stack` compute, `files` and `weights` read checkpoints, `sharding` places
parameters on a mesh; then one short file a family.

**To add a Llama-shaped family** write one file like `qwen3.py`:

1. `MODEL_TYPES`: the `model_type` values of config.json that it reads; `PREFIXES` that may stand before its keys, and
   `IGNORED` regular expressions of keys that are no part of the model (take both from `decoder`).
2. `read(raw)`: the `Config`; `read_decoder` reads the usual fields, keyword arguments say what differs.
3. `table(config)`: leaf -> checkpoint key; `decoder_table` follows the options of the config. Anything the table leaves
   out is an error that names the key.

Then name the module in `families.DECODERS` and give tests/models a tiny config: the parity test does the rest.
"""

from jaxalign.models.checkpoint.load import Model, demo_path, load
from jaxalign.models.config import Config
from jaxalign.models.families.registry import read_config
from jaxalign.models.t5_first_step import decoded
from jaxalign.models.transformer import abstract, pooled, random_params, states, take_picks, unstacked

__all__ = [
    "Config",
    "Model",
    "abstract",
    "decoded",
    "demo_path",
    "load",
    "pooled",
    "random_params",
    "read_config",
    "states",
    "take_picks",
    "unstacked",
]
