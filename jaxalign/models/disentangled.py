"""Disentangled attention of DeBERTa-v2 and -v3 (He et al. 2021, arXiv:2006.03654).

The logit of query q and key k is (Q_q K_k + Q_q KP_b + K_k QP_b) / sqrt(3 d), b the bucket of position q - k; KP and
QP are the key and query maps of the vectors of relative positions, which all layers share.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.layers import HIGHEST, Context, Layer, attend, block_norm, focus, linear


def bucket_of(distance: np.ndarray, buckets: int, farthest: int) -> np.ndarray:
    """Returns the bucket of each distance, query minus key: itself up to buckets / 2, then logarithmic, signed."""
    middle = buckets // 2
    size = np.where(np.abs(distance) < middle, middle - 1, np.abs(distance)).astype(np.float32)
    base = np.log(np.float32((farthest - 1) / middle))
    far = np.ceil(np.log(size / np.float32(middle)) / base * np.float32(middle - 1)) + middle
    return np.where(size <= middle, distance, far * np.sign(distance)).astype(np.int32)


class RelativePositions(nnx.Module):
    """The vectors (bucket, feature) of relative positions, with a layer norm where the family has one."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.table = nnx.Embed(2 * span(config), config.width, param_dtype=config.dtype, rngs=rngs)
        self.norm: Any = block_norm(config) if config.relative_norm else None

    def __call__(self) -> jax.Array:
        """The vectors of all buckets, (bucket, feature)."""
        vectors = self.table.embedding[...]
        return vectors if self.norm is None else self.norm(vectors)


def span(config: Config) -> int:
    """Returns the number of buckets on either side."""
    return config.buckets or config.bucket_distance


class DisentangledAttention(nnx.Module):
    """Attention by content and by relative position; positions share the maps of queries and keys, or have others."""

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.config = config

        def projection(needed: bool) -> Any:
            return linear(config, config.width, config.query_width, True, rngs) if needed else None

        self.query, self.key, self.value = projection(True), projection(True), projection(True)
        self.position_key = projection("c2p" in config.relative and not config.relative_shared)
        self.position_query = projection("p2c" in config.relative and not config.relative_shared)
        self.output = linear(config, config.query_width, config.width, True, rngs)

    def __call__(self, state: jax.Array, context: Context, layer: Layer) -> jax.Array:
        """(row, slot, feature) -> the same shape, or (row, vector, feature) where the context selects queries."""
        config = self.config
        query = self._heads(self.query, focus(state, context.query_slots))
        key, value = self._heads(self.key, state), self._heads(self.value, state)
        bias = None
        if context.relative is not None:
            bias = self._bias(query, key, context.relative, -context.distance)
        return self.output(attend(query, key, value, context.visible, bias, config.scale, 0.0))

    def _heads(self, linear_map: Any, state: jax.Array) -> jax.Array:
        return linear_map(state).reshape(*state.shape[:-1], self.config.heads, -1)

    def _bias(self, query: jax.Array, key: jax.Array, relative: jax.Array, distance: jax.Array) -> jax.Array:
        """Returns the part of the logits that positions give, (row, head, query, slot); `distance` query minus slot."""
        config, reach = self.config, span(self.config)
        length = config.max_length
        if config.buckets:
            known = bucket_of(np.arange(-length, length + 1), config.buckets, config.bucket_distance)
        else:
            known = np.arange(-length, length + 1)
        places = jnp.asarray(np.clip(known + reach, 0, 2 * reach - 1).astype(np.int32))
        bucket = places[jnp.clip(distance, -length, length) + length]  # (row, query, slot)
        logits = jnp.zeros((), jnp.float32)
        if "c2p" in config.relative:
            vectors = self._heads(self.key if config.relative_shared else self.position_key, relative)
            by_bucket = jnp.einsum("rqhf,bhf->rhqb", query, vectors, precision=HIGHEST)
            logits = logits + jnp.take_along_axis(by_bucket, bucket[:, None], axis=3).astype(jnp.float32)
        if "p2c" in config.relative:
            vectors = self._heads(self.query if config.relative_shared else self.position_query, relative)
            by_bucket = jnp.einsum("rshf,bhf->rhbs", key, vectors, precision=HIGHEST)
            logits = logits + jnp.take_along_axis(by_bucket, bucket[:, None], axis=2).astype(jnp.float32)
        return logits * config.scale
