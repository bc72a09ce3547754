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
    """Numbers in the blocks that every token passes through."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(models.abstract(config)["blocks"]))


def extraction(work: Work, target: Target, batch_tokens: int, layers: int) -> Bound:
    """Two operations per parameter and token; the weights are read once per batch, the vectors are written once.

    The attention's own products (width of a row times features per token and layer) are counted too.
    """
    config, device = work.config, target.device
    attention = 4 * work.width * config.query_width * config.num_layers
    flops = work.tokens_computed * (2 * block_parameters(config) + attention)
    batches = math.ceil(work.tokens_computed / batch_tokens)
    weights = block_parameters(config) * np.dtype(config.dtype).itemsize
    moved = batches * weights + work.texts * layers * config.width * 4
    peak = device.bfloat16_flops if config.dtype != "float32" else device.float32_flops
    return _bound("extraction", flops, moved, peak, target)


def alignment(work: Work, target: Target, fits: int, retrievals: int) -> Bound:
    """Fit and similarity of every unordered pair, `fits` maps each, in float32.

    A fit is one product of the seed rows and the product of a space with its map; `retrievals` rankings of each share
    nothing. The decomposition of a fit is not counted: its operations are those of a CPU, a bound leaves them out.
    """
    pairs = work.languages * (work.languages - 1) // 2
    features, pool, seeds = work.config.width, work.concepts, work.seeds
    inner = min(features, seeds)
    fit = 2 * inner**2 * seeds + 4 * pool * features * inner
    similarity = 2 * pool**2 * inner * retrievals
    flops = pairs * fits * (fit + similarity)
    moved = pairs * fits * retrievals * 4 * (2 * pool * features + 3 * pool**2)
    return _bound("alignment", flops, moved, target.device.float32_flops, target)


def _bound(stage: str, flops: float, moved: float, peak: float, target: Target) -> Bound:
    bandwidth = target.device.bandwidth_bytes * target.number
    return Bound(stage, flops, moved, flops / (peak * target.number), moved / bandwidth)
