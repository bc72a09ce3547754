"""A picture of two languages' concepts before and after the map, in two dimensions that both settings share."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import scipy.linalg
from jaxtyping import Float

from jaxalign.alignment import normalize, procrustes
from jaxalign.runtime.files import write_text
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
    for code, rows in vectors.items():
        if code != hub:
            mapped = _mapped(rows[shown], rows[seed], vectors[hub][seed])
            pairs[code] = _projected(rows[shown], mapped, vectors[hub][shown])
    place = {name: number for number, name in enumerate(concepts.ids)}
    ids = [split.test[number] for number in test]
    words = {code: [concepts.words[code][place[name]] for name in ids] for code in vectors}
    label = space.label._asdict()
    return dict(label=label, hub=hub, ids=ids, words=words, pairs=pairs, seeds=len(seed), test=len(split.test))


def _mapped(
    rows: Float[np.ndarray, "concept feature"],
    source: Float[np.ndarray, "seed feature"],
    target: Float[np.ndarray, "seed feature"],
) -> Float[np.ndarray, "concept feature"]:
    """`rows` times the orthogonal map of the seed rows.

    The map is fitted in bases of the seed rows, which are at most as many as there are seed concepts: the decomposition
    is then of that size, not of the width of the model.
    """
    left_basis, left = np.linalg.qr(source.T)
    right_basis, right = np.linalg.qr(target.T)
    tolerance = procrustes.rank_tolerance(*source.shape)
    bases = procrustes.fit(jnp.asarray(left.T), jnp.asarray(right.T), procrustes.method("auto"), "drop", tolerance)
    return rows @ (left_basis @ np.asarray(bases.left)) @ (right_basis @ np.asarray(bases.right)).T


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
