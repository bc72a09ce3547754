"""Words or prompts -> vectors of the chosen layers: in memory, or in the store as the spaces of all languages.

embed.hidden_states(model, [[5, 17, 3], [8]])                  # list of (layer + 1, token, feature)
embed.embed(model, ["dog", "chien"], pooling="mean")           # (layer + 1, text, feature)
embed.spaces(model, concepts, embeddings=("vanilla", "prompt"), store_root="runs/store")   # list of Space
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jaxalign import models
from jaxalign.embeddings import extract, packing, tokenize
from jaxalign.embeddings.cached_spaces import spaces
from jaxalign.models import hidden_states

__all__ = ["embed", "hidden_states", "run", "spaces"]

Writer = Callable[[int, np.ndarray], None]  # index of the batch, (layer, pick, feature)


def embed(
    model: models.Model, texts: Sequence[str], pooling: str = "auto", layers: Any = "all", *,
    special_tokens: str = "auto", batch_tokens: int = 0,
) -> np.ndarray:  # fmt: skip
    """(layer, text, feature) float32 vectors of `texts`; `layers` as "all" (0 to the last), "last" or numbers."""
    pooling = model.default_pooling if pooling == "auto" else pooling
    chosen = extract.parse_layers(model, layers, pooling == "decoder")
    if not len(texts):
        return np.zeros((len(chosen), 0, model.width), np.float32)
    part = extract.checked(model, tokenize.tokenize(model.tokenizer, texts, max_length=model.max_length))
    requests = [packing.Request(part, pooling)]
    return run(model, requests, chosen, special_tokens=special_tokens, batch_tokens=batch_tokens)[0]


def run(
    model: models.Model, requests: Sequence[packing.Request], layers: Any = "all", *, special_tokens: str = "auto",
    batch_tokens: int = 0, width: int | None = None, progress: extract.Progress | None = None,
    writer: Writer | None = None,
) -> list[np.ndarray]:  # fmt: skip
    """(layer, text, feature) of each request, all in one forest; a `writer` takes the batches instead."""
    decoder = extract.decoder_only([request.pooling for request in requests])
    chosen = extract.parse_layers(model, layers, decoder)
    plan = packing.forest(
        requests, causal=model.causal, special_tokens=special_tokens, width=width, features=model.width
    )
    engine = extract.engine(model)
    shape = extract.shape_for(engine, plan, chosen, batch_tokens, decoder)
    total = extract.batch_count(plan, shape)
    found = None if writer else np.empty((len(chosen), len(plan.pick_text), model.width), np.float32)
    for done, (index, vectors) in enumerate(extract.vectors(engine, plan, shape, range(total)), 1):
        if writer is not None:
            writer(index, vectors)
        else:
            start = plan.row_picks[index * shape.rows]
            found[:, start : start + vectors.shape[1]] = vectors  # type: ignore[index]
        if progress is not None:
            progress("embed", done, total)
    return [] if found is None else [found[:, where] for where in plan.where]
