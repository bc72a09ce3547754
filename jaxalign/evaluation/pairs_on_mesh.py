"""All pairs in one compiled call, spread over a mesh axis of pairs; for accelerators and for several devices or hosts.

An accelerator works on as many pairs at once as fit its memory (`batching`), so that small spaces do not leave it idle;
a CPU goes through its pairs one after the other, so that its memory holds one similarity at a time.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Int

from jaxalign.alignment import reduced
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.retrieval.counting import Ranked
from jaxalign.retrieval.csls import BLOCK
from jaxalign.retrieval.penalties import Tiling
from jaxalign.retrieval.several import rank_each

AXIS = "pairs"
# Bytes of similarities that a TPU works on at once. The compiler for v5e keeps one of 77 MB in the chip's own memory of
# 128 MiB, but those of a batch in the main memory: batches are for problems too small to fill the device.
ON_CHIP = 80 << 20
FILLS = 2048  # features of which one pair's products fill a device: 256 tiles of 128 x 128 each
FIT_BYTES = 48  # per number of a map, while it is fitted: two products by bfloat16 parts, and the iteration's matrices
TILE_BYTES = 16  # per cell of a tile


class Items(NamedTuple):
    """One row per pair and setting."""

    languages: Int[Array | np.ndarray, "item 2"]
    seeds: Int[Array | np.ndarray, "item 2 seed"]  # which seeds are paired
    answers: Int[Array | np.ndarray, "item 2 row"]  # right answers in both directions


class Batching(NamedTuple):
    """How the pairs are spread."""

    items: int  # with those that are added to fill the last batch of each device
    at_once: int  # on each device


class MeshRanks(NamedTuple):
    """Ranks of both directions; of every item, (item, row), or of one."""

    source_to_target: Ranked
    target_to_source: Ranked


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """This host's devices along one axis of pairs."""
    return Mesh(np.array(jax.local_devices() if devices is None else devices), (AXIS,))


def bytes_of_item(stacked: reduced.ReducedSpace, tiling: Tiling) -> int:
    """Bytes that one pair needs while it is worked on, besides the spaces of all languages; an upper estimate."""
    rows, basis = stacked.candidates.shape[-2:]
    best_cells = 8 * tiling.k * BLOCK * rows  # of the columns, with their places
    similarity = 4 * rows**2 * tiling.keep + rows**2 // 2 + TILE_BYTES * tiling.tile * rows + best_cells
    if stacked.seeds is None:
        return similarity + 8 * rows * basis
    features = basis if stacked.full_candidates is None else stacked.full_candidates.shape[-1]
    seeds = stacked.seeds.shape[-2]
    return similarity + FIT_BYTES * basis**2 + 20 * seeds * basis + 16 * rows * features


def batching(
    count: int, devices: int, stacked: reduced.ReducedSpace, tiling: Tiling, budget: int, platform: str
) -> Batching:
    """How `count` pairs are spread over the devices: at once as many as fit `budget` bytes of a device.

    On a TPU their similarities also take no more than ON_CHIP bytes. Pairs go one by one on a CPU, where one fills the
    device, and in the faster mode, which decides for each pair how it goes on.
    """
    share = -(-count // devices)
    if platform == "cpu" or tiling.fast or stacked.candidates.shape[-1] >= FILLS:
        return Batching(share * devices, 1)
    most = budget // bytes_of_item(stacked, tiling)
    if platform == "tpu":
        most = min(most, ON_CHIP // (4 * stacked.candidates.shape[-2] ** 2))
    steps = -(-share // max(1, most))
    at_once = -(-share // steps)
    return Batching(devices * steps * at_once, at_once)


@partial(jax.jit, static_argnames=("mesh", "tilings", "valid", "options", "at_once"))
def rank_on(
    mesh: Mesh,
    stacked: reduced.ReducedSpace,
    items: Items,
    tilings: tuple[Tiling, ...],
    valid: int,
    options: MapOptions,
    at_once: int = 1,
) -> list[MeshRanks]:
    """Ranks of every item in the retrieval of each tiling; `stacked` holds all languages.

    The items are a multiple of the devices, and those of a device a multiple of `at_once`.
    """

    def rank_item(stacked: reduced.ReducedSpace, item: Items) -> list[MeshRanks]:
        first, second = (jax.tree.map(lambda leaf, i=i: leaf[item.languages[i]], stacked) for i in range(2))
        aligned = reduced.align(first, second, reduced.SeedPairs(*item.seeds), options)
        size = len(aligned.source)
        buffer = jnp.zeros((size, size), jnp.float32) if tilings[0].keep else None
        answers = list(item.answers)
        return [MeshRanks(*ranked[1:]) for ranked in rank_each(buffer, aligned, answers, tilings, valid)]

    def rank_share(stacked: reduced.ReducedSpace, items: Items) -> list[MeshRanks]:
        return lax.map(partial(rank_item, stacked), items, batch_size=at_once if at_once > 1 else None)

    split = PartitionSpec(AXIS)
    # Loops begin with constants that are the same on every device, which the check of varying axes would refuse.
    return jax.shard_map(rank_share, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=split, check_vma=False)(
        stacked, items
    )


def rank_items(
    spaces: Sequence[reduced.ReducedSpace],
    items: Items,
    tilings: tuple[Tiling, ...],
    valid: int,
    options: MapOptions,
    budget: int,
) -> Iterator[list[MeshRanks]]:
    """Ranks of each item in the retrieval of each tiling, from one compiled call on this host's devices.

    Temporaries of each device take `budget` bytes.
    """
    mesh = make_mesh()
    count = len(items.languages)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *spaces)
    most = max(tilings, key=lambda tiling: tiling.k)  # needs the most memory
    whole, at_once = batching(count, mesh.size, stacked, most, budget, jax.default_backend())
    index = np.minimum(np.arange(whole), count - 1)  # the last one again, as padding
    filled = Items(*(np.asarray(part)[index] for part in items))
    ranked = jax.tree.map(np.asarray, rank_on(mesh, stacked, filled, tilings, valid, options, at_once))
    for row in range(count):
        yield jax.tree.map(lambda part, row=row: part[row], ranked)
