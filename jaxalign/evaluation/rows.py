"""What an evaluation is given: aligned spaces, and the rows of them that are the seed dictionary and the test set."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxalign.alignment.normalize import is_constant
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.retrieval.penalties import check_neighbours
from jaxalign.types import InputError

Spaces = Mapping[str, Float[np.ndarray, "concept feature"]]  # language -> vectors, rows aligned by concept


class Rows(NamedTuple):
    """Rows of the seed dictionary and of the test set; disjoint, each row once."""

    seed: Int[np.ndarray, " seed"]
    test: Int[np.ndarray, " query"]


def checked_rows(spaces: Spaces, rows: Rows, options: AlignmentOptions) -> Rows:
    """The rows as int64; InputError where spaces, rows and options do not fit together."""
    concepts = check_spaces(spaces)
    seed, test = _checked(rows.seed, concepts, "seed"), _checked(rows.test, concepts, "test")
    if np.intersect1d(seed, test).size:
        raise InputError("Expected seed and test rows without a common one, got some in both. Fix --split.")
    check_neighbours(options.retrieval, options.csls_k, concepts if options.candidates == "all" else len(test))
    if max(options.seed_sizes, default=0) > len(seed):
        raise InputError(
            f"Expected --seed_sizes from 1 to {len(seed)}, the seed rows, got {options.seed_sizes}. Lower them."
        )
    return Rows(seed, test)


def check_spaces(spaces: Spaces) -> int:
    """The number of concepts; InputError unless all spaces are finite and of one shape."""
    if len(spaces) < 2:
        raise InputError(f"Expected two or more languages, got {len(spaces)}. Name more in --languages.")
    shapes = {name: np.shape(vectors) for name, vectors in spaces.items()}
    shape = next(iter(shapes.values()))
    if len(shape) != 2 or 0 in shape or set(shapes.values()) != {shape}:
        raise InputError(f"Expected one shape (concept, feature) for every language, got {shapes}. Align the rows.")
    for name, vectors in spaces.items():
        if not np.isfinite(np.sum(vectors, dtype=np.float64)) and not np.isfinite(vectors).all():
            row = int(np.argmin(np.isfinite(vectors).all(axis=1)))
            raise InputError(
                f"Expected finite vectors, got NaN or infinity in {name}, row {row}. Embed again with --dtype=float32."
            )
    return int(shape[0])


def check_vectors_differ(spaces: Spaces, steps: Sequence[str]) -> None:
    """InputError for languages with one vector, or one direction, for all concepts: every answer would be a tie."""
    same = ", ".join(name for name, vectors in spaces.items() if is_constant(np.asarray(vectors), steps))
    if same:
        raise InputError(f"Expected vectors that differ, got one vector or direction for all concepts in {same}. "
                         "Leave these languages out.")  # fmt: skip


def _checked(rows: Sequence[int] | np.ndarray, concepts: int, what: str) -> np.ndarray:
    given = np.asarray(rows)
    if given.ndim != 1 or not len(given) or not np.issubdtype(given.dtype, np.integer):
        raise InputError(f"Expected {what} as a vector of row indices, got {given.dtype} {given.shape}. Fix --split.")
    if given.min() < 0 or given.max() >= concepts:
        raise InputError(
            f"Expected {what} rows from 0 to {concepts - 1}, got {given.min()}..{given.max()}. Fix --split."
        )
    if len(np.unique(given)) < len(given):
        raise InputError(f"Expected each {what} row once, got {len(given)} rows, some twice. Fix --split.")
    return given.astype(np.int64)
