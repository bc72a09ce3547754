"""The least time of each stage by the device's published peaks: a bound, which no program can beat, not a promise."""

import math
from typing import NamedTuple

import jax
import numpy as np

from jaxalign import models
from jaxalign.experiment.plan.work import Work
from jaxalign.runtime.targets import Target


class Bound(NamedTuple):
    """One stage on all devices of a target."""

    stage: str
    flops: float
    bytes_moved: float  # between the devices and their memory, at least
    compute_seconds: float  # operations by the published peak
    memory_seconds: float  # bytes by the published bandwidth

    @property
    def seconds(self) -> float:
        """The larger of the two bounds."""
        return max(self.compute_seconds, self.memory_seconds)


def block_parameters(config: models.Config) -> int:
    """Numbers in the blocks, those of all experts among them."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(models.abstract(config)["blocks"]))


def extraction(work: Work, target: Target, batch_tokens: int, copies: int) -> Bound:
    """Two operations per parameter and token, and the products of attention over the width of a row.

    A token is multiplied with the experts that it chooses, but a batch reads the weights of all experts: each of
    `copies` copies of the model reads its weights once per batch of `batch_tokens` slots in all copies together; the
    vectors are written once. Of the last block only what the wanted vectors need is counted, since a
    program may leave out the rest; a decoder's first step, one token per text, is left out too.
    """
    config, device = work.config, target.device
    block = models.active_parameters(config) / config.num_layers
    flops = moved = 0.0
    for part in work.embeddings:
        attention = 4 * part.plan.width * config.query_width
        token_blocks = part.tokens_computed * (config.num_layers - 1) + min(part.vectors, part.tokens_computed)
        flops += token_blocks * (2 * block + attention)
        weights = block_parameters(config) * np.dtype(config.dtype).itemsize
        moved += math.ceil(part.tokens_computed / batch_tokens) * weights * copies
        moved += part.vectors * len(part.layers) * config.width * 4
    peak = device.bfloat16_flops if config.dtype != "float32" else device.float32_flops
    return _bound("extraction", flops, moved, peak, target)


def alignment(work: Work, target: Target) -> Bound:
    """Fit and similarity of every unordered pair of languages, for each ranking that the run asks for.

    With n fitted rows, r = min(n, features) and c candidates: X'Y of the fitted rows takes 2 n r^2 operations, mapping
    the candidates 2 c r^2, their similarity, which serves both directions, 2 c^2 r. Without a map only the similarity
    is left. The polar factor itself is not counted. A ranking reads the two factors of the similarity.
    """
    pairs = work.languages * (work.languages - 1) // 2
    features, candidates = work.config.width, work.candidates
    flops = moved = 0.0
    for rows, rankings in work.fitted.items():
        rank = min(rows, features) if rows else features
        fit = 2 * rows * rank**2 + 2 * candidates * rank**2 if rows else 0
        flops += pairs * rankings * (fit + 2 * candidates**2 * rank)
        moved += pairs * rankings * 2 * candidates * rank * 4
    device = target.device
    peak = device.bfloat16_flops if work.options.precision == "fast" else device.float32_flops
    return _bound("alignment", flops, moved, peak, target)


def _bound(stage: str, flops: float, moved: float, peak: float, target: Target) -> Bound:
    bandwidth = target.device.bandwidth_bytes * target.number
    return Bound(stage, flops, moved, flops / (peak * target.number), moved / bandwidth)
