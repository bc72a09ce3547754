"""The check of the shrunken map finds a planted loss, and none where there is none."""

import numpy as np
import pytest

from benchmarks import shrunken_check
from jaxalign.report.claims.finished import Finished, Key


def finished(loss, queries=300, seed=0):
    """Ranks of two languages at two layers: `after` finds half of the queries, `shrunken` fewer by `loss`."""
    rng, made = np.random.default_rng(seed), Finished({"m": ("en", "fr")}, {}, {}, (), {}, {}, 0)
    for layer in (1, 2):
        likely = rng.random((2, 2, queries))
        for setting, size, chance in (("before", 0, 0.2), ("after", 50, 0.5), ("shrunken", 50, 0.5 - loss)):
            noise = rng.random(likely.shape) < 0.1
            hit = np.where(noise, rng.random(likely.shape), likely) < chance
            made.ranks[Key("m", "vanilla", "last", layer, "csls", setting, size)] = np.where(hit, 1, 5)
    return made


@pytest.fixture
def check(monkeypatch, capsys):
    def run(given):
        monkeypatch.setattr(shrunken_check.claims, "read_finished", lambda folders: given)
        return shrunken_check.main(["run"]), capsys.readouterr().out

    monkeypatch.setattr(shrunken_check, "DRAWS", 1999)
    monkeypatch.setattr(shrunken_check.compare, "__defaults__", (1999,))
    return run


def test_a_planted_loss_is_below_and_equal_scores_are_not(check):
    status, said = check(finished(0.2))
    assert (
        status == 1
        and "means below: 2 of 2; pairs below: 4 of 4" in said
        and "BELOW: m layer 2, 50 seeds, fr-en" in said
    )
    status, said = check(finished(0.0))
    assert status == 0 and "means below: 0 of 2; pairs below: 0 of 4" in said
    with pytest.raises(SystemExit):
        check(Finished({}, {}, {}, (), {}, {}, 0))


def test_values_and_the_better_one_are_those_of_the_ranks():
    runs = finished(0.1)
    one = shrunken_check.compare(runs, 99)[0]
    hits = {name: (runs.ranks[one.key._replace(setting=name, seed_size=size)] == 1)[[0, 1], [1, 0]]
            for name, size in (("before", 0), ("after", 50), ("shrunken", 50))}  # fmt: skip
    assert one.value == pytest.approx({name: each.mean() for name, each in hits.items()})
    assert one.difference == pytest.approx(hits["shrunken"].mean() - hits["after"].mean())
    assert one.pairs["fr-en"] == pytest.approx(hits["shrunken"][1].mean() - hits["after"][1].mean())
    assert one.low < one.difference < one.high


def test_p_is_uniform_where_nothing_is_lost_and_holm_steps_down():
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        p += shrunken_check._below(rng.integers(-1, 2, (3, 200)).astype(float), seed, 199).tolist()
    assert 0.4 < np.mean(p) < 0.6 and np.mean(np.array(p) <= 0.1) < 0.16
    assert shrunken_check.holm([0.04, 0.01, 0.02, 0.9]) == [False, True, False, False]
    assert shrunken_check.holm([0.02, 0.01, 0.9]) == [True, True, False]
