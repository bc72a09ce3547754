"""Parameters as a nested dictionary of arrays: their shapes, random ones, and the module that holds them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np
from flax import nnx

from jaxalign.models import products
from jaxalign.models.block import Block
from jaxalign.models.config import Config
from jaxalign.models.transformer import Transformer, make_stacked_parts
from jaxalign.runtime.environment import backend

CACHE_PERIOD = 4096  # bytes after which a line of a CPU's first cache is used again
ADDED_FEATURES = 32  # one line of 64 bytes in bfloat16
MOST_COPIED = 2**29  # bytes of copies that the gain is worth

Params = dict[str, Any]  # nested dictionaries; leaves under "blocks" are stacked over layers, except in `unstacked`


class Weights(NamedTuple):
    """Parameters on the devices, and the SHA-256 of the tensors that they were made from."""

    params: Params
    digest: str


def abstract(config: Config) -> Params:
    """Returns the tree of parameter shapes and dtypes (`jax.ShapeDtypeStruct`); allocates nothing."""
    return jax.tree.map(lambda leaf: leaf, _abstract(config, backend()))  # the caller's own dictionaries


@lru_cache(maxsize=32)
def _abstract(config: Config, platform: str) -> Params:
    """`platform` as in `_graph`."""
    return nnx.to_pure_dict(nnx.state(_shapes(config, platform)))


@lru_cache(maxsize=4)
def _shapes(config: Config, platform: str) -> Transformer:
    """The module with shapes in place of arrays, not to be changed; `platform` as in `_graph`."""
    return nnx.eval_shape(lambda: Transformer(config, nnx.Rngs(0)))


def active_parameters(config: Config) -> int:
    """Returns the numbers of all blocks that one token is multiplied with; of the experts, those that it chooses."""
    total = 0
    for path, leaf in flatten(abstract(config)["blocks"]).items():
        of_experts = config.experts and path.startswith("mlp.") and not path.startswith("mlp.router.")
        total += leaf.size // config.experts * config.experts_per_token if of_experts else leaf.size
    return total


def merge(config: Config, params: Params) -> Transformer:
    """Returns the Flax module of a config and its parameters, which it shares."""
    blocks = params["blocks"]
    if isinstance(blocks, tuple):
        return nnx.merge(_graph(config, True, backend()), {**params, "blocks": dict(enumerate(blocks))})
    return nnx.merge(_graph(config, False, backend()), params)


@lru_cache(maxsize=32)
def _graph(config: Config, listed: bool, platform: str) -> Any:
    """`platform`: that of `environment.backend`, on which the products of a layer depend."""
    model = nnx.clone(_shapes(config, platform))
    if listed:
        block = nnx.eval_shape(lambda: Block(config, nnx.Rngs(0)))
        model.blocks = nnx.List([nnx.clone(block) for _ in range(config.num_layers)])
    return nnx.graphdef(model)


def unstacked(params: Params) -> Params:
    """Returns the parameters with a tuple of blocks, one per layer: views of the stack if the host is the device.

    A stack is scanned: one block is compiled, whatever the depth, but a CPU copies each layer's weights out of the
    stack in every batch, 2 to 4 % of the time. A tuple is run in a Python loop: 12 layers compile as quickly, 80 take
    2 s more.
    """
    stack = jax.tree.map(np.asarray, params["blocks"])
    count = len(jax.tree.leaves(stack)[0])
    blocks = tuple(jax.tree.map(lambda leaf: leaf[index], stack) for index in range(count))  # noqa: B023
    return {**params, "blocks": blocks}


def with_wider_mlp(config: Config, blocks: tuple[Params, ...]) -> tuple[Params, ...]:
    """Returns the blocks with unused features in their MLPs where that makes products faster; same states.

    Rows of a multiple of 4,096 bytes lie on the same lines of a CPU's first cache. There XLA's CPU library multiplies
    bfloat16 matrices at 385 GFLOP/s in place of 423 (1,024 rows of 2,048 and 2,080 features, Zen 4); float32 ones lose
    nothing. BLOOMZ-560m's prompts become 2.6 % faster, Gemma 3 270M's .9 %. The features that are added have kernels of
    zeros. The new kernels are copies, so that larger models stay as they are.
    """
    if not products.sums_float32(config.dtype) or config.experts or 2 * config.mlp_width % CACHE_PERIOD:
        return blocks
    if sum(leaf.nbytes for block in blocks for leaf in jax.tree.leaves(block["mlp"])) > MOST_COPIED:
        return blocks

    def widen(name: str, leaf: np.ndarray) -> np.ndarray:
        """Columns, or rows of the kernel of `down`, or places of a bias."""
        axis = 0 if name == "down" else leaf.ndim - 1
        wider = list(leaf.shape)
        wider[axis] += ADDED_FEATURES
        new = np.zeros(wider, leaf.dtype)
        new[tuple(slice(size) for size in leaf.shape)] = leaf
        return new

    def linear(name: str, leaves: Any) -> Any:
        if name not in ("gate", "up", "down"):
            return leaves
        return {kind: leaf if (name, kind) == ("down", "bias") else widen(name, leaf) for kind, leaf in leaves.items()}

    return tuple(
        {**block, "mlp": {name: linear(name, leaves) for name, leaves in block["mlp"].items()}} for block in blocks
    )


def random_params(config: Config, seed: int, shardings: Params | None = None) -> Params:
    """Returns parameters as initialised by Flax, made on the device (straight into `shardings` where given)."""

    def make(key: jax.Array) -> Params:
        parts = make_stacked_parts(config, key)
        return {name: nnx.to_pure_dict(nnx.state(part)) for name, part in parts.items()}

    return jax.jit(make, out_shardings=shardings)(jax.random.key(seed))


def flatten(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Returns the leaves by dotted path."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= flatten(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return flat


def unflatten(leaves: Mapping[str, Any]) -> Params:
    """Returns the nested tree of leaves by dotted path."""
    tree: Params = {}
    for path, value in leaves.items():
        *above, name = path.split(".")
        node = tree
        for part in above:
            node = node.setdefault(part, {})
        node[name] = value
    return tree
