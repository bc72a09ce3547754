"""Programs of a run besides extraction and the ranks of all pairs, which run on one device."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
from jax.sharding import NamedSharding, PartitionSpec

from jaxalign.alignment import generalized, least_squares, reduced, shrunken
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.evaluation import shrinkage
from jaxalign.evaluation.candidates import choose_tiling
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.metrics import relational
from jaxalign.retrieval import csls, ranks, vocabulary, vocabulary_one_pass
from jaxalign.runtime import targets

BUDGET = 4 << 30  # bytes of temporaries, the default of --memory_budget
NEIGHBOURS = 10
ANSWERS = 4  # right answers of a query
SHRINKING = shrunken.Shrinking("polar")  # as a run on an accelerator takes it


class Stage(NamedTuple):
    """One program: `stage` is a key of STAGES; `rows` are concepts or words, `seeds` also queries or orders."""

    target: str
    stage: str
    languages: int
    rows: int
    seeds: int
    features: int


def stage(spec: Stage) -> Any:
    """The lowered program on the first of the target's abstract devices."""
    mesh = targets.mesh_of(targets.read_target(spec.target))
    place = NamedSharding(mesh, PartitionSpec())

    def array(*shape: int, dtype: str = "float32") -> Any:
        return jax.ShapeDtypeStruct(shape, dtype, sharding=place)

    return STAGES[spec.stage](spec, array)


Array = Callable[..., Any]  # shape, dtype -> the array as a shape on the device


def _reduce(spec: Stage, array: Array) -> Any:
    options = MapOptions("polar", "drop")
    rows = array(spec.rows, spec.features)
    return reduced.reduce.lower(rows, rows, array(spec.seeds, dtype="int32"), options)


def _generalized(spec: Stage, array: Array) -> Any:
    spaces = array(spec.languages, spec.seeds, spec.features)
    return generalized.agree.lower(spaces, 50, -1.0, "identity", "polar")


def _neighbourhoods(spec: Stage, array: Array) -> Any:
    tile = vocabulary.tile_rows(spec.rows, BUDGET)
    rows = array(csls.SEGMENT * tile, spec.features)
    whole = array(-(-spec.rows // csls.BLOCK) * csls.BLOCK, spec.features)
    return csls._radii.lower(rows, whole, array(dtype="int32"), spec.rows, NEIGHBOURS, tile)


def _count(spec: Stage, array: Array) -> Any:
    tile = vocabulary.tile_rows(spec.rows, BUDGET)
    queries = csls.SEGMENT * tile
    asked, target, penalty = array(queries, spec.features), array(spec.rows, spec.features), array(spec.rows)
    answers, tiles = array(queries, ANSWERS, dtype="int32"), array(dtype="int32")
    return vocabulary._count.lower(asked, target, penalty, answers, tiles, tile, True)


def _sweep(spec: Stage, array: Array) -> Any:
    tile, queries = vocabulary.tile_rows(spec.rows, BUDGET), spec.seeds
    columns = -(-spec.rows // csls.BLOCK) * csls.BLOCK
    whole = partial(array, queries, dtype="int32")
    state = vocabulary_one_pass.State(array(queries), whole(), whole(), array(queries), whole())
    answers = array(queries, ANSWERS, dtype="int32")
    asked = vocabulary_one_pass.Asked(array(columns, spec.features), array(2, queries), answers)
    place = vocabulary_one_pass.Place(array(dtype="int32"), array(dtype="int32"))
    rows, buffer = array(tile, spec.features), array(tile, columns)
    options = dict(k=NEIGHBOURS, valid=spec.rows, best=True)
    return vocabulary_one_pass.step.lower(buffer, state, rows, asked, place, **options)


def _isometry(spec: Stage, array: Array) -> Any:
    rows = array(spec.languages, spec.rows, spec.features)
    shift = array(spec.languages, spec.languages, spec.rows)
    prepared = relational._Prepared(rows, rows, shift, rows, array(spec.languages, spec.rows))
    orders = array(spec.seeds, spec.languages, spec.rows, dtype="int32")
    return relational._relational.lower(prepared, orders, NEIGHBOURS)


def _shrunken_choice(spec: Stage, array: Array) -> Any:
    seeds, size = array(spec.seeds, spec.features), spec.seeds // shrinkage.FOLDS
    held = array(shrinkage.FOLDS, size, dtype="int32")
    rest = array(shrinkage.FOLDS, spec.seeds - size, dtype="int32")
    return shrinkage._gains.lower(seeds, seeds, rest, held, shrinkage.Search(SHRINKING))


def _shrunken_map(spec: Stage, array: Array) -> Any:
    rows, seeds = array(spec.rows, spec.features), array(spec.seeds, spec.features)
    return shrunken._shrunken.lower(rows, rows, seeds, seeds, array(), SHRINKING)


def _shrunken_plain(spec: Stage, array: Array) -> Any:
    rows, seeds = array(spec.rows, spec.features), array(spec.seeds, spec.features)
    return shrunken._plain.lower(rows, rows, seeds, seeds, SHRINKING)


def _moved_map(spec: Stage, array: Array) -> Any:
    vectors, seeds = array(spec.rows, spec.features), array(spec.seeds, dtype="int32")
    options = MapOptions("polar", "drop", scale=True, translate=True)
    candidates = array(spec.rows, dtype="int32")
    pairs = reduced.SeedPairs(seeds, seeds)
    return least_squares._align.lower(vectors, vectors, pairs, candidates, None, spec.rows, options)


def _pair_ranks(spec: Stage, array: Array) -> Any:
    padded, tiling = choose_tiling(spec.rows, AlignmentOptions(memory_budget=BUDGET, csls_k=NEIGHBOURS), 1)
    rows, answers, buffer = array(padded, spec.features), array(padded, dtype="int32"), array(padded, padded)
    return ranks.rank_both.lower(buffer, rows, rows, answers, answers, tiling=tiling, valid=spec.rows)


STAGES: dict[str, Callable[[Stage, Array], Any]] = {
    "reduce": _reduce,
    "generalized": _generalized,
    "neighbourhoods": _neighbourhoods,
    "vocabulary_count": _count,
    "vocabulary_sweep": _sweep,
    "isometry": _isometry,
    "shrunken_choice": _shrunken_choice,
    "shrunken_map": _shrunken_map,
    "shrunken_plain": _shrunken_plain,
    "moved_map": _moved_map,
    "pair_ranks": _pair_ranks,
}
