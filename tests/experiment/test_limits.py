"""What the concepts and the split allow of --k, --seed_sizes and --csls_k."""

import pytest

from jaxalign.config import Config
from jaxalign.experiment import limits
from jaxalign.types import Concepts, InputError, Split

CONCEPTS = Concepts(tuple(f"c{i}" for i in range(40)), ("other",) * 40, {"en": ("x",) * 40}, ())
SPLIT = Split(CONCEPTS.ids[:28], CONCEPTS.ids[28:])


def test_default_k_above_the_candidates_are_left_out_and_given_ones_refused():
    assert limits.ks_of(Config(), CONCEPTS, [SPLIT]) == (1, 5, 10, 30)
    assert limits.ks_of(Config(candidates="test"), CONCEPTS, [SPLIT]) == (1, 5, 10)
    with pytest.raises(InputError, match="--k of at most 12, the candidates, got 20"):
        limits.ks_of(Config(candidates="test", k=(1, 20)), CONCEPTS, [SPLIT])
    with pytest.raises(InputError, match="--csls_k from 1 to 12"):
        limits.ks_of(Config(candidates="test", csls_k=13), CONCEPTS, [SPLIT])


def test_seed_sizes_ascend_and_all_is_the_whole_dictionary():
    assert limits.seed_sizes_of(Config(seed_sizes=(20, 0, 10, 50)), SPLIT) == (10, 20, 28)
    with pytest.raises(InputError, match="--seed_sizes of at most 28"):
        limits.seed_sizes_of(Config(seed_sizes=(50, 60)), SPLIT)
