"""How parameters lie on a mesh with the axes "data" and "model": a table of rules, apart from the model code.

Queries, keys, values, gate and up are split by their outputs, attention output and down by their inputs, so that a
block needs two sums over "model" (Shoeybi et al. 2019, arXiv:1909.08053); embeddings by features; the rest is whole.
"""

import math
import re
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from jaxalign.types import InputError

# Regular expression of a leaf's path -> the axis, counted from the last, that is split over "model".
RULES: tuple[tuple[str, int], ...] = (
    (r".*\.(query|key|value|gate|up)\.(kernel|bias)", -1),
    (r".*\.(output|down)\.kernel", -2),
    (r".*\.embedding", -1),
)


def make_mesh(model_parallel: int) -> Mesh:
    """Returns the mesh of all devices, ("data", "model"); Auto axes, since Explicit ones break plain gathers."""
    count = jax.device_count()
    if model_parallel < 1 or count % model_parallel:
        raise InputError(f"Expected a divisor of the {count} devices, got {model_parallel}. Change --model_parallel.")
    return jax.make_mesh((count // model_parallel, model_parallel), ("data", "model"), axis_types=(AxisType.Auto,) * 2)


def spec(path: str, shape: tuple[int, ...], parts: int) -> PartitionSpec:
    """Returns how the leaf at `path` is split in `parts`; whole where no rule fits or `parts` does not divide."""
    for pattern, axis in RULES:
        if re.fullmatch(pattern, path) and shape[axis] % parts == 0:
            axes: list[str | None] = [None] * len(shape)
            axes[axis] = "model"
            return PartitionSpec(*axes)
    return PartitionSpec()


def shardings(mesh: Mesh, leaves: dict[str, Any]) -> dict[str, NamedSharding]:
    """Returns the sharding of each leaf by dotted path."""
    parts = mesh.shape["model"]
    return {path: NamedSharding(mesh, spec(path, tuple(leaf.shape), parts)) for path, leaf in leaves.items()}


def bytes_per_device(leaves: dict[str, Any], model_parallel: int) -> int:
    """Returns the bytes of parameters that each device holds, from their shapes."""
    total = 0
    for path, leaf in leaves.items():
        split = model_parallel if "model" in spec(path, tuple(leaf.shape), model_parallel) else 1
        total += math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize // split
    return total
