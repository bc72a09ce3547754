"""The families, and which of them reads a config.json."""

import dataclasses
from types import ModuleType
from typing import Any, NamedTuple

from jaxalign.models.config import Config
from jaxalign.models.families import (
    apertus,
    bert,
    bloom,
    cohere,
    cohere2,
    deberta_v2,
    distilbert,
    gemma,
    gemma2,
    gemma3,
    glm4,
    gpt2,
    gpt_neox,
    granite,
    llama,
    m2m_100,
    mistral,
    mixtral,
    modernbert,
    olmo2,
    phi3,
    qwen2,
    qwen3,
    smollm3,
    t5,
    xglm,
)
from jaxalign.models.fields import Fields, warnings_of
from jaxalign.types import InputError

DECODERS: tuple[ModuleType, ...] = (
    llama, mistral, mixtral, qwen2, qwen3, gemma, gemma2, gemma3, cohere, cohere2, smollm3, granite, phi3, olmo2, glm4,
    apertus,
)  # fmt: skip
FAMILIES = (*DECODERS, gpt_neox, bloom, xglm, gpt2, t5, bert, distilbert, deberta_v2, modernbert, m2m_100)
# Where config.json does not say `tie_word_embeddings`, the output embedding of these is another matrix.
UNTIED = {
    "llama", "eurobert", "mistral", "ministral", "ministral3", "mixtral", "qwen2", "qwen3", "qwen3_moe", "granite",
    "phi3", "olmo2", "olmo3", "glm", "glm4", "apertus", "gpt_neox",
}  # fmt: skip
DTYPES = ("float32", "bfloat16", "float16")


class Reading(NamedTuple):
    """What a config.json says: the config, and sentences about what may make states differ from the model's own."""

    config: Config
    warnings: tuple[str, ...]


def family_of(raw: dict[str, Any]) -> ModuleType:
    """Returns the family's file for the `model_type` of config.json."""
    kind = raw.get("model_type")
    for family in FAMILIES:
        if isinstance(kind, str) and kind in family.MODEL_TYPES:
            return family
    known = sorted(name for family in FAMILIES for name in family.MODEL_TYPES)
    raise InputError(f"Expected a model_type of {', '.join(known)}, got {kind!r}. Choose another of --models.")


def read_config(raw: dict[str, Any], dtype: str = "float32", *, decoder: bool = False) -> Config:
    """Returns the config of the fields of config.json, see `read_all`."""
    return read_all(raw, dtype, decoder=decoder).config


def read_all(raw: dict[str, Any], dtype: str = "float32", *, decoder: bool = False) -> Reading:
    """Returns config and warnings; raises InputError for what is unknown, missing or unsupported.

    Every field that changes a hidden state is read, is at a value that changes nothing, or is refused by name; a field
    that nothing reads and that is not known to be harmless gives a warning. Fields that are left out have the values
    that transformers gives them. The decoder of an encoder-decoder is left out unless `decoder` asks for it.
    """
    family = family_of(raw)
    dtypes = getattr(family, "DTYPES", DTYPES)
    if dtype not in dtypes:
        why = ", whose states overflow in float16" if dtype == "float16" else ""
        kind = raw["model_type"]
        raise InputError(f"Expected a dtype of {', '.join(dtypes)} for {kind}{why}, got {dtype!r}. Change --dtype.")
    fields = Fields(raw).over(family.DEFAULTS.get(raw["model_type"], {}))
    try:
        config = dataclasses.replace(family.read(fields), dtype=dtype, tied=is_tied(fields))
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError, MemoryError) as error:
        raise InputError(
            f"Expected the fields of a {raw['model_type']!r} model in config.json, got one of another form ({error}). "
            "Change --models."
        ) from error
    config = without_causality(config, fields)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.type is int and (isinstance(value, float) or abs(value) > 2**31):
            raise InputError(f"Expected a whole number for the {field.name} in config.json, got {value}. Fix it.")
    text = raw.get("text_config")
    unread = {**raw, **text} if isinstance(text, dict) else raw
    warnings = warnings_of(unread, fields, getattr(family, "HARMLESS", ()))
    if not decoder:
        return Reading(dataclasses.replace(config, decoder_layers=0), warnings)
    if not config.decoder_layers:
        raise InputError(f"Expected an encoder-decoder, got a {raw['model_type']!r} without decoder. Change --pooling.")
    return Reading(config, warnings)


def is_tied(fields: Fields) -> bool:
    """Returns whether the output embedding is the input embedding."""
    said = fields.get("tie_word_embeddings")
    return fields["model_type"] not in UNTIED if said is None else bool(said)


def without_causality(config: Config, fields: Fields) -> Config:
    """Returns the config with attention in both directions where config.json says `"is_causal": false`.

    As in transformers a window then reaches `sliding_window` tokens to either side, itself not counted.
    """
    if fields.get("is_causal", True) is not False or not config.causal:
        return config
    windows = tuple(window + 1 if window else 0 for window in config.windows)
    return dataclasses.replace(config, causal=False, default_pooling="mean", windows=windows)
