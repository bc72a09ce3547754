"""Texts -> vectors of the chosen layers, in memory; `cached_spaces.spaces` keeps those of all languages on disk.

embed.hidden_states(model, [[5, 17, 3], [8]])                  # list of (layer + 1, token, feature)
embed.embed(model, ["dog", "chien"], pooling="mean")           # (layer + 1, text, feature)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxalign import models
from jaxalign.embeddings import extract, packing, tokenize
from jaxalign.embeddings.cached_spaces import SpaceOptions, spaces
from jaxalign.models import hidden_states
from jaxalign.types import InputError

__all__ = ["SpaceOptions", "embed", "hidden_states", "run", "spaces"]


def embed(
    model: models.Model, texts: Sequence[str], pooling: str = "auto", layers: Any = "all", *,
    special_tokens: str = "auto", batch_tokens: int = 0,
) -> np.ndarray:  # fmt: skip
    """(layer, text, feature) float32 vectors of `texts`; `layers` as "all" (0 to the last), "last" or numbers.

    Raises InputError for texts that are empty, too long for the model or not whole Unicode characters, and for one
    string in place of a list.
    """
    if isinstance(texts, str | bytes):
        raise InputError(f"Expected a list of texts, got one string, {texts[:40]!r}. Write [text].")
    pooling = model.default_pooling if pooling == "auto" else pooling
    chosen = extract.parse_layers(model, layers, pooling == "decoder")
    if not len(texts):
        return np.zeros((len(chosen), 0, model.width), np.float32)
    tokens = tokenize.checked(model, tokenize.tokenize(model.tokenizer, texts, max_length=model.max_length))
    requests = [packing.Request(tokens, pooling)]
    return run(model, requests, chosen, special_tokens=special_tokens, batch_tokens=batch_tokens)[0]


def run(
    model: models.Model, requests: Sequence[packing.Request], layers: Any = "all", *, special_tokens: str = "auto",
    batch_tokens: int = 0,
) -> list[np.ndarray]:  # fmt: skip
    """(layer, text, feature) float32 of each request, all of them computed in one forest."""
    decoder = packing.decoder_only([request.pooling for request in requests])
    chosen = extract.parse_layers(model, layers, decoder)
    engine = extract.engine(model)
    plan = extract.forest_for(engine, requests, special_tokens=special_tokens, batch_tokens=batch_tokens)
    shape = extract.shape_for(engine, plan, chosen, batch_tokens, decoder)
    vectors = extract.all_vectors(engine, plan, shape)
    return [vectors[:, where] for where in plan.where]
