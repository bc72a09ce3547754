"""All pairs in one compiled call, spread over a mesh axis of pairs; for accelerators and for several devices or
hosts.

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

from jaxalign.alignment import procrustes, reduced
from jaxalign.evaluation.candidates import Pool
from jaxalign.retrieval import ranks, ranks_bfloat16

AXIS = "pairs"


class Items(NamedTuple):
    """Pairs in settings, one a row."""

    languages: jax.Array | np.ndarray  # (item, 2)
    columns: jax.Array | np.ndarray  # (item, 2, seed): which seeds are paired up
    answers: jax.Array | np.ndarray  # (item, 2, row): right answers forth and back


def make_mesh(devices: Sequence[jax.Device] | None = None) -> Mesh:
    """This host's devices along one axis of pairs."""
    return Mesh(np.array(jax.local_devices() if devices is None else devices), (AXIS,))


@partial(jax.jit, static_argnames=("mesh", "plan", "rows", "method", "completion", "tolerance"))
def rank_on(
    mesh: Mesh,
    stacked: reduced.Frame,
    items: Items,
    plan: ranks.Plan,
    rows: int,
    method: str,
    completion: procrustes.Completion,
    tolerance: float,
) -> tuple[ranks.Ranked, ranks.Ranked]:
    """Ranks of every item, forth and back, (item, row); the items are a multiple of the devices."""

    def one(stacked, item):
        first, second = (jax.tree.map(lambda leaf, i=i: leaf[item.languages[i]], stacked) for i in range(2))
        sources, targets = first.pool, second.pool
        if first.factor is not None:
            sources, targets = reduced.fit(first, second, *item.columns, method, completion, tolerance)
        size = len(sources)
        buffer = jnp.zeros((size, size), sources.dtype) if plan.keep else None
        return ranks_bfloat16.ranker(plan)(buffer, sources, targets, *item.answers, plan=plan, rows=rows, columns=rows)[
            1:
        ]

    def share(stacked, items):
        return lax.map(partial(one, stacked), items)

    split = PartitionSpec(AXIS)
    # Loops begin with constants that are the same on every device, which the check of varying axes would refuse.
    return jax.shard_map(share, mesh=mesh, in_specs=(PartitionSpec(), split), out_specs=split, check_vma=False)(
        stacked, items
    )


def rank_items(
    made: Sequence[reduced.Frame], items: Items, pool: Pool, fit: tuple[str, procrustes.Completion, float]
) -> Iterator[tuple[ranks.Ranked, ranks.Ranked]]:
    """Ranks forth and back of each item, from one compiled call on this host's devices."""
    mesh = make_mesh()
    count, devices = len(items.languages), mesh.size
    index = np.minimum(np.arange(-(-count // devices) * devices), count - 1)  # the last one again, as padding
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *made)
    whole = Items(*(np.asarray(part)[index] for part in items))
    found = rank_on(mesh, stacked, whole, pool.plan, len(pool.rows), *fit)
    forth, back = jax.tree.map(np.asarray, found)
    for row in range(count):
        yield ranks.Ranked(*(part[row] for part in forth)), ranks.Ranked(*(part[row] for part in back))
