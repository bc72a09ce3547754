"""A mixture of experts in place of the MLP: each token goes through its best few experts, exactly."""

import jax
import jax.numpy as jnp
from flax import nnx

from jaxalign.models.config import Config
from jaxalign.models.layers import HIGHEST, activate, linear
from jaxalign.models.products import state_dtype


class Stack(nnx.Module):
    """The kernels (expert, inputs, outputs) of one linear map per expert."""

    def __init__(self, config: Config, inputs: int, outputs: int, rngs: nnx.Rngs):
        self.dtype = state_dtype(config.dtype)
        init = jax.nn.initializers.variance_scaling(1.0, "fan_in", "truncated_normal", in_axis=1, out_axis=2)
        self.kernel = nnx.Param(init(rngs.params(), (config.experts, inputs, outputs), config.dtype))

    def __call__(self, rows: jax.Array, counts: jax.Array) -> jax.Array:
        """Returns each row times its expert's kernel; rows are sorted by expert, `counts` of them for each expert."""
        kernel = self.kernel[...]
        return jax.lax.ragged_dot(
            rows.astype(kernel.dtype), kernel, counts, precision=HIGHEST, preferred_element_type=self.dtype
        )


class Experts(nnx.Module):
    """sum over the best k experts e of p_e down_e(activation(gate_e x) * up_e x), p the softmax of the router.

    With `normalize_experts` the k weights are divided by their sum. Every chosen expert is computed for every token: no
    capacity limit and no dropped token, so that a token's state does not depend on the rest of the batch.
    """

    def __init__(self, config: Config, rngs: nnx.Rngs):
        self.config = config
        self.router = linear(config, config.width, config.experts, False, rngs)
        self.gate = Stack(config, config.width, config.mlp_width, rngs)
        self.up = Stack(config, config.width, config.mlp_width, rngs)
        self.down = Stack(config, config.mlp_width, config.width, rngs)

    def __call__(self, state: jax.Array) -> jax.Array:
        count, flat = self.config.experts_per_token, state.reshape(-1, state.shape[-1])
        chances = jax.nn.softmax(self.router(flat).astype(jnp.float32), axis=-1)
        weights, experts = jax.lax.top_k(chances, count)
        if self.config.normalize_experts:
            weights = weights / weights.sum(-1, keepdims=True)
        order = jnp.argsort(experts.reshape(-1), stable=True)
        counts = jnp.bincount(experts.reshape(-1), length=self.config.experts).astype(jnp.int32)
        rows = flat[order // count]
        mixed = self.down(activate(self.config.activation, self.gate(rows, counts)) * self.up(rows, counts), counts)
        mixed = mixed * weights.reshape(-1)[order][:, None].astype(mixed.dtype)
        restored = jnp.zeros_like(mixed).at[order].set(mixed)
        return restored.reshape(len(flat), count, -1).sum(1).astype(state.dtype).reshape(state.shape)
