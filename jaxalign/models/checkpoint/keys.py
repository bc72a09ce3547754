"""Which keys of a checkpoint make which leaf: every key is used, ignored by name, or an error that names it."""

import re
from collections.abc import Mapping
from itertools import product
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp

from jaxalign.models.config import Config
from jaxalign.models.families._llama_like import Source
from jaxalign.models.parameters import abstract, flatten
from jaxalign.types import InputError

# What stands on top of the hidden states, in whatever family: heads of classification, regression, reward and value.
HEADS = (
    r"(?:(?:score|classifier|v_head|value_head|reward_head|rm_head|regression_head|classification_head|qa_outputs"
    r"|qa_classifier|logits_proj|out_proj_head|lm_head|pooler|cls|mc_head|multiple_choice_head|head\.dense|head\.norm)\."
    r".*)|score|value_head|embed_out\.weight"
)
# The output embedding of a language model, which is the input embedding too where the two are tied.
OUTPUTS = (
    "lm_head.weight", "language_model.lm_head.weight", "cls.predictions.decoder.weight", "lm_head.decoder.weight",
    "embed_out.weight", "vocab_projector.weight", "decoder.weight",
)  # fmt: skip
QUANTISED = (
    (r".*\.(qweight|qzeros|g_idx)", "GPTQ or AWQ"),
    (r".*\.(absmax|quant_map|nested_absmax|nested_quant_map|SCB|weight_format)|.*quant_state.*", "bitsandbytes"),
    (r".*\.(weight_scale|weight_scale_inv|input_scale|activation_scale)", "FP8 with scales"),
    (r".*\.(weight_packed|weight_shape|weight_zero_point|scales)", "compressed integers"),
)


def refuse_quantised(raw: Mapping[str, Any], keys: Mapping[str, Any]) -> None:
    """Raises InputError that names the method if config.json or the keys are those of a quantised checkpoint."""
    said = raw.get("quantization_config")
    method = said.get("quant_method", "an unnamed method") if isinstance(said, dict) else None
    key = next((key for key in keys for pattern, _ in QUANTISED if re.fullmatch(pattern, key)), None)
    if method is None and key is None:
        return
    if method is None:
        method = next(name for pattern, name in QUANTISED if re.fullmatch(pattern, str(key)))
    raise InputError(
        f"Expected weights that are not quantised, got a checkpoint quantised by {method}"
        f"{f' (it has {key})' if key else ''}. Give --models the checkpoint that it was made from, or a copy "
        "dequantised by transformers (model.dequantize(), model.save_pretrained(FOLDER))."
    )


def canonical(family: ModuleType, keys: Mapping[str, Any], wanted: set[str]) -> dict[str, str]:
    """Returns the checkpoint's key of each table key: prefixes cut, old spellings replaced.

    Keys that the family ignores are left out, unless they are `wanted`.
    """
    names: dict[str, str] = {}
    ignored = re.compile("|".join(f"(?:{pattern})" for pattern in (HEADS, *family.IGNORED)))
    for key in keys:
        name = key
        for prefix in family.PREFIXES:
            if name.startswith(prefix):
                name = name.removeprefix(prefix)
                break
        for old, new in getattr(family, "RENAMED", ()):
            name = re.sub(old, new, name)
        if name in wanted or not (ignored.fullmatch(key) or ignored.fullmatch(name)):
            names.setdefault(name, key)
    return names


def check(family: ModuleType, config: Config, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, list[str | None]]:
    """Returns the checkpoint keys that make each leaf, None for one that the first layer does not have; reads no data.

    Raises InputError that names the key: one that the table does not know, one that is missing, or a wrong shape.
    """
    table = family.table(config)
    names = canonical(family, shapes, {name for path in table for name in layer_keys(table[path], config, path)})
    embedding = table["embed.tokens.embedding"].key
    if config.tied and embedding not in names:  # a tied checkpoint may hold only the output embedding
        outputs = [key for key in OUTPUTS if key in shapes]
        names |= {embedding: outputs[0]} if outputs else {}
    leaves = flatten(abstract(config))
    if set(table) != set(leaves):
        wrong = sorted(set(table) ^ set(leaves))
        raise InputError(f"Expected the table of {config.family} to fill every leaf once, got differences: {wrong}.")
    used: set[str] = set()
    keys_of: dict[str, list[str | None]] = {}
    for path, source in table.items():
        wanted = layer_keys(source, config, path)
        needed = wanted if source.absent is None else wanted[1:]
        missing = [name for name in needed if name not in names]
        if missing:
            raise InputError(
                f"Expected the tensor {missing[0]} in the checkpoint, got none. Download it again, or change --models."
            )
        used.update(wanted)
        keys_of[path] = [names.get(name) for name in wanted]
        expected = leaves[path].shape[stack_axes(path, source) :]
        for key in keys_of[path]:
            if key is not None and taken_shape(source, shapes[key]) != expected:
                raise InputError(
                    f"Expected {key} to fill {path} {tuple(expected)}, got the shape {tuple(shapes[key])}. "
                    "config.json and the weights belong to different models: change --models."
                )
    unknown = sorted(names[name] for name in set(names) - used)
    if unknown:
        raise InputError(
            f"Expected only tensors of the family {config.family}, got {', '.join(unknown[:5])}"
            f"{' and others' if len(unknown) > 5 else ''}. The checkpoint has another architecture: change --models."
        )
    return keys_of


def layer_keys(source: Source, config: Config, path: str) -> list[str]:
    """Returns the table keys of a leaf: one per layer (and expert), or a single one."""
    layers = config.decoder_layers if path.startswith("decoder.") else config.num_layers
    layers, experts = layers if "{layer}" in source.key else 1, config.experts if "{expert}" in source.key else 1
    return [source.key.format(layer=layer, expert=each) for layer, each in product(range(layers), range(experts))]


def is_stacked(path: str) -> bool:
    """True of leaves with a leading layer axis."""
    return path.startswith(("blocks.", "decoder.blocks."))


def stack_axes(path: str, source: Source) -> int:
    """Returns the number of leading axes of a leaf, over layers and experts, that its tensors do not have."""
    return int(is_stacked(path)) + int("{expert}" in source.key)


def taken_shape(source: Source, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Returns the shape after `source.take`, or None where the tensor does not fit it."""
    if source.take is None:
        return tuple(shape)
    try:
        return jax.eval_shape(source.take, jax.ShapeDtypeStruct(tuple(shape), jnp.float32)).shape
    except (TypeError, ValueError):
        return None
