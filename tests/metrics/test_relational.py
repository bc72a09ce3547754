"""Each measure agrees with a few lines of float64 NumPy, and has the invariances it is known for."""

import numpy as np
import pytest
from scipy.stats import ortho_group

from jaxalign import reference
from jaxalign.metrics import relational
from tests import conftest


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


def rsim(x, y, steps=("unit", "center", "unit")):
    """The definition of rsim_script.py (github.com/cambridgeltl/iso-study)."""
    x, y = (reference.normalize(space, steps) for space in (x, y))
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


def check(vectors, tolerance, names=tuple(BY_HAND)):
    """Compares every measure of every pair with the definition in float64; returns the measures."""
    value = relational.relational(vectors).value
    wide = vectors.astype(np.float64)
    for name in names:
        expected = [[BY_HAND[name](x, y) for y in wide] for x in wide]
        np.testing.assert_allclose(value[name], expected, atol=tolerance, err_msg=name)
    return value


@pytest.mark.parametrize("offset", [0.0, 3.0, 1e4])
def test_measures_agree_with_numpy(offset):
    # By hand the unbiased HSIC is not centred, and an offset costs it all digits.
    names = [name for name in BY_HAND if offset < 1e4 or name != "CKA_unbiased"]
    value = check(planted((0.0, 0.5, 1.5), offset=offset), 2e-4, names)
    if offset < 1e4:
        assert 0.1 < value["MEXA"][0, 2] < 1 and 0.1 < value["mutual_kNN"][0, 2] < 1


@pytest.mark.parametrize("scale", [1e20, 1e-20])
def test_scale_changes_nothing(scale):
    vectors = planted((0.0, 0.5, 1.5), offset=0.3)
    value = check(vectors, 2e-4)
    for name, scaled in relational.relational(vectors * np.float32(scale)).value.items():
        np.testing.assert_allclose(scaled, value[name], atol=1e-5, err_msg=name)


def test_a_common_offset_hardly_changes_rsim():
    vectors = planted((0.0, 0.3), concepts=300, features=64)
    moved = relational.relational(vectors + np.float32(1e4)).value["RSIM"][0, 1]
    assert moved == pytest.approx(relational.relational(vectors).value["RSIM"][0, 1], abs=0.02)


def test_rsim_of_raw_vectors():
    vectors = planted((0.0, 0.5), offset=1.0)
    value = relational.relational(vectors, vectors).value["RSIM"][0, 1]
    assert value == pytest.approx(rsim(*vectors.astype(np.float64), steps=()), abs=1e-4)


def test_measures_agree_with_numpy_on_real_spaces(shared):
    from jaxalign.embeddings import word2vec_format

    _, spaces = word2vec_format.read_folder(shared / "spaces", ("en", "fi", "fr"))
    vectors = np.stack(list(spaces.values()))[:, :300]
    check(vectors, 1e-3)
    value, null = relational.relational(vectors, null_draws=20)
    for name in ("CKA_unbiased", "RSIM", "mutual_kNN"):  # words of one meaning are alike without a map
        assert value[name][0, 1] > null[name][:, 0, 1].max() + 0.05, name


def test_rsim_of_whole_real_spaces(shared):
    """Values of rsim_script.py on the shared fastText spaces."""
    from jaxalign.embeddings import word2vec_format

    _, spaces = word2vec_format.read_folder(shared / "spaces", ("en", "es", "et", "fi", "fr", "zh"))
    for pair, expected in ((("fr", "fi"), 0.636), (("zh", "en"), 0.462)):
        value = relational.relational(np.stack([spaces[code] for code in pair])).value["RSIM"]
        assert value[0, 1] == pytest.approx(expected, abs=6e-4)


def test_a_draw_of_the_null_is_the_measure_on_that_shuffle():
    vectors = planted((0.0, 0.3))
    null = relational.relational(vectors, null_draws=2, rng_seed=7).null
    rng = np.random.default_rng(7)
    for draw in range(2):
        x, y = (v[rng.permutation(60)].astype(np.float64) for v in vectors)
        for name, by_hand in BY_HAND.items():
            assert null[name][draw, 0, 1] == pytest.approx(by_hand(x, y), abs=2e-4), name


def test_rotation_and_scale_change_no_measure():
    vectors = planted((0.0, 0.5))
    turned = vectors.copy()
    turned[1] = 3 * vectors[1] @ ortho_group.rvs(24, random_state=0)
    value, after = relational.relational(vectors).value, relational.relational(turned).value
    for name in ("CKA", "CKA_unbiased", "RSIM", "mutual_kNN"):
        np.testing.assert_allclose(after[name], value[name], atol=1e-3, err_msg=name)
    assert after["MEXA"][0, 1] < 0.2 < value["MEXA"][0, 1]  # it compares the raw spaces


def test_a_space_with_itself_is_one_and_unrelated_spaces_are_at_their_null():
    same = relational.relational(planted((0.0, 0.0))).value
    assert all(same[name][0, 1] == pytest.approx(1, abs=1e-4) for name in relational.MEASURES)
    apart = np.random.default_rng(1).normal(size=(2, 300, 64)).astype(np.float32)
    value, null = relational.relational(apart, null_draws=20)
    for name in relational.MEASURES:
        assert abs(value[name][0, 1] - null[name][:, 0, 1].mean()) < 0.03, name
    assert abs(null["CKA_unbiased"][:, 0, 1].mean()) < 0.01 < null["CKA"][:, 0, 1].mean()
