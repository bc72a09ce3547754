"""A picture of two languages' concepts before and after the map, in two dimensions that both settings share."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from jaxalign.alignment import normalize, procrustes
from jaxalign.runtime.files import write_text
from jaxalign.runtime.threads import one_lapack_thread
from jaxalign.types import Concepts, InputError, Space, Split

FILE = "concept_map.json"  # in the folder of a run
SHOWN, SEEDS = 300, 1000  # concepts in the picture, and seed concepts that its maps are fitted on, at most
_UNIT = 1000  # coordinates are whole thousandths of the largest


def coordinates(
    space: Space, concepts: Concepts, split: Split, steps: Sequence[str], rng_seed: int = 0
) -> dict[str, Any]:
    """Test concepts of every language beside those of the hub (English where it is there): a record for the page.

    For each language X and hub Y the two dimensions are the first principal components of X W and Y together, W being
    the orthogonal map from X to Y fitted on the seed dictionary; X is shown in them as it is (`before`) and mapped
    (`after`). At most `SHOWN` test concepts, drawn by `rng_seed`; W is fitted on at most the first `SEEDS` of the seed
    dictionary, which keeps the picture quick to make: the figures of the results use them all.
    """
    row_of = {name: row for row, name in enumerate(space.ids)}
    seed = np.asarray([row_of[name] for name in split.seed[:SEEDS]])
    test = np.sort(np.random.default_rng(rng_seed).permutation(len(split.test))[:SHOWN])
    shown = np.asarray([row_of[split.test[number]] for number in test])
    parsed = normalize.parse_steps(steps)
    vectors = {code: np.asarray(normalize.normalized(np.asarray(rows), parsed)) for code, rows in space.vectors.items()}
    hub = "en" if "en" in vectors else next(iter(vectors))
    pairs = {}
    with one_lapack_thread():  # two threads on matrices this small wait for each other: .15 to .3 s in place of .04
        target = _spanned(vectors[hub][seed])
        for code, rows in vectors.items():
            if code != hub:
                mapped = _mapped(rows[shown], _spanned(rows[seed]), target)
                pairs[code] = _projected(rows[shown], mapped, vectors[hub][shown])
    place = {name: number for number, name in enumerate(concepts.ids)}
    ids = [split.test[number] for number in test]
    words = {code: [concepts.words[code][place[name]] for name in ids] for code in vectors}
    label = space.label._asdict()
    return dict(label=label, hub=hub, ids=ids, words=words, pairs=pairs, seeds=len(seed), test=len(split.test))


class _Spanned(NamedTuple):
    """Seed rows in a basis of what they span."""

    rows: Float[np.ndarray, "seed basis"]
    basis: Float[np.ndarray, "feature basis"] | None  # None: the features themselves


def _spanned(seeds: Float[np.ndarray, "seed feature"]) -> _Spanned:
    """With fewer seeds than features a decomposition is then of their number, not of the width of the model."""
    if len(seeds) >= seeds.shape[1]:
        return _Spanned(seeds, None)
    basis, factor = np.linalg.qr(seeds.T)
    return _Spanned(factor.T, basis)


def _mapped(
    rows: Float[np.ndarray, "concept feature"], source: _Spanned, target: _Spanned
) -> Float[np.ndarray, "concept feature"]:
    """`rows` times the orthogonal map of the seed rows."""
    tolerance = procrustes.rank_tolerance(len(source.rows), rows.shape[1])
    source_rows, target_rows = jnp.asarray(source.rows), jnp.asarray(target.rows)
    bases = procrustes.fit(source_rows, target_rows, procrustes.method("auto"), "drop", tolerance)
    left, right = np.asarray(bases.left), np.asarray(bases.right)
    left = left if source.basis is None else source.basis @ left
    right = right if target.basis is None else target.basis @ right
    return rows @ left @ right.T


def _projected(before: np.ndarray, after: np.ndarray, hub: np.ndarray) -> dict[str, list[list[int]]]:
    """Whole-number coordinates of the three clouds in the first two principal components of `after` and `hub`."""
    together = np.concatenate([after, hub]).astype(np.float64)
    middle = together.mean(0)
    axes = _principal_axes(together - middle)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])  # an axis has no direction of its own
    clouds = {name: (rows - middle) @ (axes * signs[:, None]).T for name, rows in
              (("before", before), ("after", after), ("hub", hub))}  # fmt: skip
    largest = max(float(np.abs(cloud).max()) for cloud in clouds.values()) or 1.0
    return {name: np.round(cloud / largest * _UNIT).astype(int).tolist() for name, cloud in clouds.items()}


def _principal_axes(centred: Float[np.ndarray, "row feature"]) -> Float[np.ndarray, "2 feature"]:
    """The first two principal axes; zeros for an axis along which nothing varies, as where all lies on a line.

    From the rows' products with each other: a third of the time of a decomposition of the rows, and exact to 1e-10 in
    float64 where the second axis has a thousandth of the first one's spread.
    """
    count = len(centred)
    _, weights = scipy.linalg.eigh(centred @ centred.T, subset_by_index=(count - 2, count - 1))
    axes = weights[:, ::-1].T @ centred
    lengths = np.linalg.norm(axes, axis=1)
    varies = lengths > 1e-7 * lengths[0]
    return np.where(varies[:, None], axes / np.where(varies, lengths, 1)[:, None], 0.0)


def write(folder: Path, maps: Sequence[Mapping]) -> None:
    """Writes the records of a run's models."""
    write_text(folder / FILE, json.dumps(list(maps), ensure_ascii=False, separators=(",", ":")) + "\n")


def read(folder: Path) -> list[dict]:
    """The records of a run; none where it kept none."""
    path = folder / FILE
    if not path.is_file():
        return []
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"Expected JSON in {path}, got {error}. Repeat the run.") from error
