"""All pairs in one compiled call, spread over a mesh axis of pairs; for accelerators and for several devices or hosts.

A device goes through its pairs one after the other, so that its memory holds one similarity at a time.
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
from jaxalign.retrieval import ranks_bfloat16
from jaxalign.retrieval.counting import Ranked
from jaxalign.retrieval.penalties import Tiling

AXIS = "pairs"


class Items(NamedTuple):
    """One row per pair and setting."""

    languages: Int[Array | np.ndarray, "item 2"]
    seeds: Int[Array | np.ndarray, "item 2 seed"]  # which seeds are paired
    answers: Int[Array | np.ndarray, "item 2 row"]  # right answers in both directions


class MeshRanks(NamedTuple):
    """Ranks of both directions; of every item, (item, row), or of one."""

    source_to_target: Ranked
    target_to_source: Ranked


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """This host's devices along one axis of pairs."""
    return Mesh(np.array(jax.local_devices() if devices is None else devices), (AXIS,))


@partial(jax.jit, static_argnames=("mesh", "tiling", "valid", "options"))
def rank_on(
    mesh: Mesh, stacked: reduced.ReducedSpace, items: Items, tiling: Tiling, valid: int, options: MapOptions
) -> MeshRanks:
    """Ranks of every item; the items are a multiple of the devices. `stacked` holds all languages."""

    def rank_item(stacked: reduced.ReducedSpace, item: Items) -> MeshRanks:
        first, second = (jax.tree.map(lambda leaf, i=i: leaf[item.languages[i]], stacked) for i in range(2))
        aligned = reduced.align(first, second, reduced.SeedPairs(*item.seeds), options)
        size = len(aligned.source)
        buffer = jnp.zeros((size, size), jnp.float32) if tiling.keep else None
        rank_both = ranks_bfloat16.ranker(tiling)
        return MeshRanks(*rank_both(buffer, *aligned, *item.answers, tiling=tiling, valid=valid)[1:])

    def rank_share(stacked: reduced.ReducedSpace, items: Items) -> MeshRanks:
        return lax.map(partial(rank_item, stacked), items)

    split = PartitionSpec(AXIS)
    # Loops begin with constants that are the same on every device, which the check of varying axes would refuse.
    return jax.shard_map(rank_share, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=split, check_vma=False)(
        stacked, items
    )


def rank_items(
    spaces: Sequence[reduced.ReducedSpace], items: Items, tiling: Tiling, valid: int, options: MapOptions
) -> Iterator[MeshRanks]:
    """Ranks of each item, from one compiled call on this host's devices."""
    mesh = make_mesh()
    count, devices = len(items.languages), mesh.size
    index = np.minimum(np.arange(-(-count // devices) * devices), count - 1)  # the last one again, as padding
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *spaces)
    whole = Items(*(np.asarray(part)[index] for part in items))
    ranked = jax.tree.map(np.asarray, rank_on(mesh, stacked, whole, tiling, valid, options))
    for row in range(count):
        yield jax.tree.map(lambda part, row=row: part[row], ranked)
