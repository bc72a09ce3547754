"""The families, and which of them reads a config.json."""

import dataclasses
from types import ModuleType
from typing import Any

from jaxalign.models.config import Config
from jaxalign.models.families import (
    bert,
    bloom,
    cohere,
    cohere2,
    gemma,
    gemma2,
    gemma3,
    gpt2,
    llama,
    mistral,
    qwen2,
    qwen3,
    t5,
    xglm,
)
from jaxalign.types import InputError

DECODERS: tuple[ModuleType, ...] = (llama, mistral, qwen2, qwen3, gemma, gemma2, gemma3, cohere, cohere2)
FAMILIES = (*DECODERS, bloom, xglm, gpt2, t5, bert)
DTYPES = ("float32", "bfloat16", "float16")


def family_of(raw: dict[str, Any]) -> ModuleType:
    """Returns the family's file for the `model_type` of config.json."""
    kind = raw.get("model_type")
    for family in FAMILIES:
        if isinstance(kind, str) and kind in family.MODEL_TYPES:
            return family
    known = sorted(name for family in FAMILIES for name in family.MODEL_TYPES)
    raise InputError(f"Expected a model_type of {', '.join(known)}, got {kind!r}. Choose another of --models.")


def read_config(raw: dict[str, Any], dtype: str = "float32", *, decoder: bool = False) -> Config:
    """Returns the config of the fields of config.json; raises InputError on what is unknown, missing or unsupported.

    The decoder of an encoder-decoder is left out unless `decoder` asks for it.
    """
    family = family_of(raw)
    dtypes = getattr(family, "DTYPES", DTYPES)
    if dtype not in dtypes:
        raise InputError(f"Expected a dtype of {', '.join(dtypes)}, got {dtype!r}. Change --dtype.")
    try:
        config = dataclasses.replace(family.read(raw), dtype=dtype)
    except InputError:
        raise
    except (TypeError, ValueError, AttributeError, KeyError, ArithmeticError, MemoryError) as error:
        raise InputError(
            f"Expected the fields of a {raw['model_type']!r} model in config.json, got one of another form ({error}). "
            "Change --models."
        ) from error
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.type is int and (isinstance(value, float) or abs(value) > 2**31):
            raise InputError(f"Expected a whole number for the {field.name} in config.json, got {value}. Mend it.")
    if not decoder:
        return dataclasses.replace(config, decoder_layers=0)
    if not config.decoder_layers:
        raise InputError(f"Expected an encoder-decoder, got a {raw['model_type']!r} without decoder. Change --pooling.")
    return config
