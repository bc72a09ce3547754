"""A pair's map written out: cosines of the mapped words give the very ranks of the evaluation."""

import numpy as np
import pytest

import jaxalign
from jaxalign import reference
from jaxalign.alignment import pair_map
from jaxalign.evaluation.options import AlignmentOptions
from tests.conftest import planted


def csls_ranks(source, target, test):
    cosine = reference.unit_rows(np.asarray(source, np.float64)) @ reference.unit_rows(np.asarray(target, float)).T
    scores = reference.csls(cosine)[test]
    return 1 + (scores > scores[np.arange(len(test)), test][:, None]).sum(1)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"completion": "identity"},
        {"completion": "arbitrary"},
        {"procrustes": "polar"},
        {"normalize": ("none",)},
        {"normalize": ("center",), "scale": True, "translate": True},
        {"map": "least_squares"},
        {"map": "ridge", "translate": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("seeds", [60, 12])  # more and fewer than features
def test_mapped_vectors_give_the_ranks_of_the_run(options, seeds):
    spaces = planted(3, 120, 20, 2, offset=0.3)
    seed, test = np.arange(seeds), np.arange(80, 120)
    ranks = jaxalign.rank(spaces, seed=seed, test=test, settings=("after",), **options)["after"]
    made = AlignmentOptions(**options)
    en, fr = spaces["en"], spaces["fr"]
    forward = pair_map.fit(en, fr, seed, made.normalize, made.map_options)
    both = [(forward.of_source(en), forward.of_target(fr), ranks[0, 1])]
    if forward.is_orthogonal:
        back = forward.reversed()
        both.append((back.of_source(fr), back.of_target(en), ranks[1, 0]))
    for source, target, wanted in both:
        assert (csls_ranks(source, target, test) == wanted).all()
    assert forward.is_orthogonal == ("map" not in options and "translate" not in options)


def test_a_space_of_huge_numbers_keeps_its_power_of_two():
    spaces = planted(4, 60, 6, 2)
    big = spaces["en"] * np.float32(2.0**60)
    plain, scaled = (pair_map.normalization(rows, ("center",)) for rows in (spaces["en"], big))
    assert plain.scale == 1 and scaled.scale < 2.0**-50
    ratio = scaled.apply(big) / plain.apply(spaces["en"])
    assert np.allclose(ratio, ratio[0, 0], rtol=1e-4)


def test_a_map_with_a_shift_does_not_lead_back():
    spaces = planted(5, 40, 4, 2)
    made = AlignmentOptions(translate=True)
    one_way = pair_map.fit(spaces["en"], spaces["fr"], range(20), made.normalize, made.map_options)
    with pytest.raises(ValueError, match="transpose"):
        one_way.reversed()
