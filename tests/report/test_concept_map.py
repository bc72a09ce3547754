"""The picture's map is Procrustes', its dimensions are the principal components of the pair."""

import numpy as np
import pytest

from jaxalign import reference
from jaxalign.report import concept_map
from jaxalign.types import Concepts, InputError, Space, SpaceLabel, Split

LABEL = SpaceLabel("demo", "vanilla", "last", 4)


def planted(seeds=80, tests=40, width=12, noise=0.0):
    """Two languages that are one space turned, and a third that is unrelated."""
    rng = np.random.default_rng(0)
    base = rng.normal(size=(seeds + tests, width))
    turn = np.linalg.qr(rng.normal(size=(width, width)))[0]
    vectors = {"en": base, "fr": base @ turn.T + noise * rng.normal(size=base.shape), "xx": rng.normal(size=base.shape)}
    vectors = {code: rows.astype(np.float32) for code, rows in vectors.items()}
    ids = tuple(f"c{i}" for i in range(len(base)))
    words = {code: tuple(f"{code}{i}" for i in range(len(base))) for code in vectors}
    split = Split(ids[:seeds], ids[seeds:])
    return Space(LABEL, ids, vectors), Concepts(ids, ("other",) * len(ids), words, ()), split


def test_a_turned_space_falls_on_the_hub_after_the_map():
    record = concept_map.coordinates(*planted(), ("unit", "center", "unit"))
    fr = {name: np.array(points) for name, points in record["pairs"]["fr"].items()}
    assert record["hub"] == "en" and set(record["pairs"]) == {"fr", "xx"} and len(record["ids"]) == 40
    assert np.abs(fr["after"] - fr["hub"]).max() <= 2  # thousandths
    assert np.abs(fr["before"] - fr["hub"]).mean() > 50
    other = {name: np.array(points) for name, points in record["pairs"]["xx"].items()}
    assert np.abs(other["after"] - other["hub"]).mean() > 50


@pytest.mark.parametrize("seeds", [80, 8])
def test_the_coordinates_are_those_of_float64_numpy(seeds):
    """Also with fewer seed concepts than features, where the map is determined in a part of the space alone."""
    space, concepts, split = planted(seeds=seeds, noise=0.5)
    record = concept_map.coordinates(space, concepts, split, ("unit", "center", "unit"))
    x, y = (reference.normalize(space.vectors[code].astype(float)) for code in ("fr", "en"))
    u, values, vt = np.linalg.svd(x[:seeds].T @ y[:seeds])
    kept = values > 1e-6 * values[0]
    after, hub = x[seeds:] @ u[:, kept] @ vt[kept], y[seeds:]
    middle = np.concatenate([after, hub]).mean(0)
    axes = np.linalg.svd(np.concatenate([after, hub]) - middle)[2][:2].T
    right = {"before": (x[seeds:] - middle) @ axes, "after": (after - middle) @ axes, "hub": (hub - middle) @ axes}
    largest = max(np.abs(cloud).max() for cloud in right.values())
    for axis in (0, 1):
        made = np.concatenate([np.array(record["pairs"]["fr"][name])[:, axis] for name in right])
        wanted = np.concatenate([cloud[:, axis] for cloud in right.values()]) / largest * 1000
        assert min(np.abs(made - wanted).max(), np.abs(made + wanted).max()) <= 2  # up to the sign of an axis


def test_a_sample_is_shown_and_words_belong_to_it():
    space, concepts, split = planted(tests=400)
    first, again, other = (concept_map.coordinates(space, concepts, split, ("none",), seed) for seed in (0, 0, 1))
    assert first == again != other and len(first["ids"]) == concept_map.SHOWN and first["test"] == 400
    assert all(word == f"fr{name[1:]}" for word, name in zip(first["words"]["fr"], first["ids"], strict=True))


def test_records_come_back_and_damage_is_refused(tmp_path):
    record = concept_map.coordinates(*planted(), ("none",))
    concept_map.write(tmp_path, [record])
    assert concept_map.read(tmp_path) == [record] and concept_map.read(tmp_path / "none") == []
    (tmp_path / concept_map.FILE).write_text("{")
    with pytest.raises(InputError, match="JSON"):
        concept_map.read(tmp_path)
