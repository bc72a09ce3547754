"""Each measure agrees with a few lines of NumPy or a library, and has the invariances it is known for."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from jaxalign.metrics import isometry
from jaxalign.types import InputError, SpaceLabel
from tests import conftest

LABEL = SpaceLabel("demo", "vanilla", "last", 4)


def planted(noise, concepts=60, features=24, seed=0, offset=0.0):
    """(language, concept, feature): one latent space, with noise of each language's own level."""
    levels = np.array(noise)[:, None]
    names = [f"l{number}" for number in range(len(noise))]
    spaces = conftest.planted(seed, concepts, features, names, levels, (0.2, 2), offset, rotated=False)
    return np.stack(list(spaces.values()))


def cka(x, y):
    x, y = x - x.mean(0), y - y.mean(0)
    return np.sum((x.T @ y) ** 2) / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)


def unbiased_hsic(x, y):
    k, l, n = x @ x.T, y @ y.T, len(x)
    np.fill_diagonal(k, 0), np.fill_diagonal(l, 0)
    one = np.ones(n)
    third = (one @ k @ one) * (one @ l @ one) / (n - 1) / (n - 2)
    return (np.trace(k @ l) + third - 2 / (n - 2) * one @ k @ l @ one) / n / (n - 3)


def cka_unbiased(x, y):
    return unbiased_hsic(x, y) / np.sqrt(unbiased_hsic(x, x) * unbiased_hsic(y, y))


def cosines(x, y):
    return (x / np.linalg.norm(x, axis=1)[:, None]) @ (y / np.linalg.norm(y, axis=1)[:, None]).T


def rsim(x, y):
    upper = np.triu_indices(len(x), 1)
    return np.corrcoef(cosines(x, x)[upper], cosines(y, y)[upper])[0, 1]


def mutual_knn(x, y, k=10):
    near = [np.argsort(-cosines(z, z) + 9 * np.eye(len(z)), axis=1)[:, :k] for z in (x, y)]
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(*near, strict=True)])


def mexa(x, y):
    s = cosines(x, y)
    others = s - 9 * np.eye(len(s))
    return np.mean((s.diagonal() > others.max(0)) & (s.diagonal() > others.max(1)))


BY_HAND = {"CKA": cka, "CKA_unbiased": cka_unbiased, "RSIM": rsim, "mutual_kNN": mutual_knn, "MEXA": mexa}


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_likeness_agrees_with_numpy(offset):
    vectors = planted((0.0, 0.5, 1.5), offset=offset)
    value, _ = isometry.likeness(vectors)
    for name, by_hand in BY_HAND.items():
        expected = [[by_hand(x, y) for y in vectors.astype(np.float64)] for x in vectors.astype(np.float64)]
        np.testing.assert_allclose(value[name], expected, atol=2e-4, err_msg=name)
    assert 0.1 < value["MEXA"][0, 2] < 1 and 0.1 < value["mutual_kNN"][0, 2] < 1


def test_likeness_agrees_with_numpy_on_real_spaces(shared):
    from jaxalign.embeddings import word2vec_format

    _, spaces = word2vec_format.read_folder(shared / "spaces", ("en", "fi", "fr"))
    vectors = np.stack(list(spaces.values()))[:, :300]
    value, null = isometry.likeness(vectors, null_draws=20)
    for name, by_hand in BY_HAND.items():
        expected = [[by_hand(x, y) for y in vectors.astype(np.float64)] for x in vectors.astype(np.float64)]
        np.testing.assert_allclose(value[name], expected, atol=1e-3, err_msg=name)
    for name in ("CKA_unbiased", "RSIM", "mutual_kNN"):  # words of one meaning are alike without a map
        assert value[name][0, 1] > null[name][:, 0, 1].max() + 0.05, name


def test_a_draw_of_the_null_is_the_measure_on_that_shuffle():
    vectors = planted((0.0, 0.3))
    _, null = isometry.likeness(vectors, null_draws=2, rng_seed=7)
    rng = np.random.default_rng(7)
    for draw in range(2):
        x, y = (v[rng.permutation(60)].astype(np.float64) for v in vectors)
        for name, by_hand in BY_HAND.items():
            assert null[name][draw, 0, 1] == pytest.approx(by_hand(x, y), abs=2e-4), name


def test_rotation_and_scale_leave_likeness_alone():
    vectors = planted((0.0, 0.5))
    turned = vectors.copy()
    turned[1] = 3 * vectors[1] @ ortho_group.rvs(24, random_state=0)
    value, after = isometry.likeness(vectors)[0], isometry.likeness(turned)[0]
    for name in ("CKA", "CKA_unbiased", "RSIM", "mutual_kNN"):
        np.testing.assert_allclose(after[name], value[name], atol=1e-3, err_msg=name)
    assert after["MEXA"][0, 1] < 0.2 < value["MEXA"][0, 1]  # it compares the raw spaces


def test_a_space_with_itself_is_one_and_unrelated_spaces_are_at_their_null():
    same = isometry.likeness(planted((0.0, 0.0)))[0]
    assert all(same[name][0, 1] == pytest.approx(1, abs=1e-4) for name in isometry.LIKENESS)
    apart = np.random.default_rng(1).normal(size=(2, 300, 64)).astype(np.float32)
    value, null = isometry.likeness(apart, null_draws=20)
    for name in isometry.LIKENESS:
        assert abs(value[name][0, 1] - null[name][:, 0, 1].mean()) < 0.03, name
    assert abs(null["CKA_unbiased"][:, 0, 1].mean()) < 0.01 < null["CKA"][:, 0, 1].mean()


def test_p_values_of_unrelated_spaces_are_spread_and_of_like_ones_small():
    apart = np.random.default_rng(2).normal(size=(8, 60, 16)).astype(np.float32)
    rows = isometry.rows(LABEL, dict(zip("abcdefgh", apart, strict=True)), metrics=("RSIM",), null_draws=39)
    found = [row["value"] for row in rows if row["metric"] == "RSIM_p"]
    assert len(found) == 56 and 0.3 < np.mean(found) < 0.7 and min(found) < 0.3 and max(found) > 0.7
    like = isometry.rows(LABEL, dict(zip("ab", planted((0.0, 0.2)), strict=True)), metrics=("RSIM",), null_draws=39)
    assert [row["value"] for row in like if row["metric"] == "RSIM_p"] == [1 / 40] * 2


def test_effective_rank_and_anisotropy():
    rng = np.random.default_rng(0)
    flat = rng.normal(size=(400, 3)) @ np.linalg.qr(rng.normal(size=(24, 3)))[0].T
    vectors = np.stack([flat, planted((0.0,), 400, offset=1.0)[0]]).astype(np.float32)
    found = isometry.shapes(vectors)
    for place, space in enumerate(vectors.astype(np.float64)):
        share = np.linalg.svd(space - space.mean(0), compute_uv=False)
        share = share[share > 1e-4] / share.sum()
        assert found["effective_rank"][place] == pytest.approx(np.exp(-np.sum(share * np.log(share))), rel=1e-3)
        assert found["anisotropy"][place] == pytest.approx(
            cosines(space, space)[np.triu_indices(400, 1)].mean(), abs=1e-5
        )
    assert found["effective_rank"][0] == pytest.approx(3, abs=0.1) and found["anisotropy"][1] > 0.1


def test_more_features_than_concepts():
    wide = np.random.default_rng(3).normal(size=(1, 20, 50)).astype(np.float32)
    share = np.linalg.svd(wide[0] - wide[0].mean(0), compute_uv=False)[:-1]
    share /= share.sum()
    expected = np.exp(-np.sum(share * np.log(share)))
    assert isometry.shapes(wide)["effective_rank"][0] == pytest.approx(expected, rel=1e-3)


def test_eigenvector_similarity_agrees_with_scipy_and_ignores_order():
    from scipy.sparse.csgraph import laplacian

    vectors = planted((0.0, 1.0))
    spectra = []
    for space in vectors:
        near = np.argsort(-cosines(space, space) + 9 * np.eye(60), axis=1)[:, :10]
        graph = np.zeros((60, 60))
        graph[np.arange(60)[:, None], near] = 1
        spectra.append(np.sort(np.linalg.eigvalsh(laplacian(np.maximum(graph, graph.T))))[::-1])
    count = min(1 + int(np.sum(np.cumsum(one) / one.sum() < 0.9)) for one in spectra)
    expected = np.sum((spectra[0] - spectra[1])[:count] ** 2)
    assert isometry.eigenvector_similarity(vectors)[0, 1] == pytest.approx(expected, rel=1e-3)
    shuffled = np.stack([vectors[0], vectors[0][np.random.default_rng(0).permutation(60)]])
    assert isometry.eigenvector_similarity(shuffled)[0, 1] < 1e-6


def test_gromov_hausdorff_agrees_with_spanning_trees():
    pytest.importorskip("ripser", reason="needs the extra `study`")
    pytest.importorskip("persim", reason="needs the extra `study`")
    from scipy.sparse.csgraph import minimum_spanning_tree
    from scipy.spatial.distance import cdist

    vectors = planted((0.0, 1.0, 0.0), concepts=40)
    deaths = []
    for space in vectors:
        unit = space - space.mean(0)
        unit /= np.linalg.norm(unit, axis=1, keepdims=True)
        deaths.append(np.sort(minimum_spanning_tree(cdist(unit, unit)).data))
    distance = isometry.gromov_hausdorff(vectors)
    # All components are born at 0, so matching in order is best; leaving a pair unmatched costs half the longer life.
    assert distance[0, 1] <= np.abs(deaths[0] - deaths[1]).max() + 1e-5
    assert distance[0, 1] >= abs(deaths[0][-1] - deaths[1][-1]) * 0.5 - 1e-5 and distance[0, 1] > 0.01
    assert distance[0, 2] < 1e-6


def test_rows_have_the_columns_and_a_seeded_sample_of_concepts():
    spaces = dict(zip(("en", "fr", "th"), planted((0.0, 0.5, 1.0)), strict=True))
    rows = isometry.rows(LABEL, spaces, limit=40, null_draws=3)
    assert rows == isometry.rows(LABEL, spaces, limit=40, null_draws=3)
    assert {row["count"] for row in rows} == {40} and list(rows[0])[-4:] == ["value", "count", "low", "high"]
    pairs = {(row["source"], row["target"]) for row in rows if row["metric"] == "CKA"}
    assert len(pairs) == 6 and all(np.isfinite(row["value"]) for row in rows)
    narrow = spaces | {"fr": spaces["fr"][:, :10]}
    assert isometry.rows(LABEL, narrow, null_draws=0)
    with pytest.raises(InputError, match="CKA_unbiased"):
        isometry.rows(LABEL, spaces, metrics=("CKAA",))
    with pytest.raises(InputError, match="neighbours"):
        isometry.rows(LABEL, {code: space[:8] for code, space in spaces.items()})
    with pytest.raises(InputError, match="same concepts"):
        isometry.rows(LABEL, spaces | {"fr": spaces["fr"][:-1]})
