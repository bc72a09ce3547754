"""Is the shrunken map ever significantly below the better of no map and the fitted map? On finished runs.

    python -m jaxalign.bench --models=MODEL --concepts=... --settings=before,after,shrunken --seed_sizes=50,200,all \
        --retrieval=csls --workdir=W
    python -m benchmarks.shrunken_check W/run-0001 ...

For every model, embedding, layer, retrieval and seed size: P@1 of `shrunken` less that of `before` or `after`,
whichever is higher on the test concepts (which favours the better one: it is chosen on the same concepts). One line
holds the mean over ordered pairs with its 95 % bootstrap interval over concepts, and the pairs that are below. A test
is a one-sided sign flip over concepts, one for each pair and one for each mean; "below" means p <= .05 after Holm's
correction (1979) for all tests of the call, means and pairs apart. Beside it stand the tests with p <= .025 and no
correction, of which chance alone gives up to 2.5 in 100. Exit status 1 where something is below.
"""

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxalign.metrics import precision
from jaxalign.report import claims
from jaxalign.report.claims.finished import Finished, Key

DRAWS = 99_999  # Holm's smallest level is .05 over the number of tests
LEVEL, PLAIN = 0.05, 0.025


class Compared(NamedTuple):
    """One mean over pairs and the pairs themselves; P@1, and p of being below."""

    key: Key
    value: dict[str, float]  # by setting
    difference: float
    low: float
    high: float
    p: float
    pairs: dict[str, float]  # `en-fr` -> difference
    pair_p: dict[str, float]


def compare(finished: Finished, draws: int = DRAWS) -> list[Compared]:
    """The comparisons of all runs, in the order of their tables."""
    made = []
    for key in finished.ranks:
        if key.setting == "shrunken":
            alone = key._replace(setting="before", seed_size=0), key._replace(setting="after")
            if all(other in finished.ranks for other in alone):
                gains = [finished.gain(one, "P@1") for one in (key, *alone)]
                made.append(_compared(key, finished.languages[key.model], gains, finished.rng_seed, draws))
    return made


def _compared(key: Key, languages: tuple[str, ...], gains: list[np.ndarray], rng_seed: int, draws: int) -> Compared:
    places = [(i, j) for i in range(len(languages)) for j in range(len(languages)) if i != j]
    shrunken, before, after = (np.stack([gain[place] for place in places]) for gain in gains)
    single = shrunken - np.where((before.mean(1) >= after.mean(1))[:, None], before, after)
    better = max((before, after), key=lambda gain: gain.mean())
    whole = (shrunken - better).mean(0)
    queries = len(whole)
    drawn = precision.resamples(queries, 2000, rng_seed) @ whole / queries
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    p = _below(np.vstack([single, whole]), rng_seed, draws)
    names = [f"{languages[i]}-{languages[j]}" for i, j in places]
    value = {"before": before.mean(), "after": after.mean(), "shrunken": shrunken.mean()}
    pairs = dict(zip(names, single.mean(1).tolist(), strict=True))
    return Compared(
        key, {name: float(each) for name, each in value.items()}, float(whole.mean()), low, high, float(p[-1]),
        pairs, dict(zip(names, p[:-1].tolist(), strict=True)),
    )  # fmt: skip


def _below(difference: np.ndarray, rng_seed: int, draws: int) -> np.ndarray:
    """One-sided p of each row's mean, (1 + flips as low) / (1 + draws)."""
    rng, count = np.random.default_rng(rng_seed), np.zeros(len(difference), np.int64)
    observed = difference.sum(1)
    for start in range(0, draws, 1000):
        signs = rng.integers(0, 2, (min(1000, draws - start), difference.shape[1])) * 2.0 - 1
        count += (difference @ signs.T <= observed[:, None] + 1e-9).sum(1)
    return (1 + count) / (1 + draws)


def holm(p: list[float], level: float = LEVEL) -> list[bool]:
    """Which of the tests are rejected, at `level` for all of them together."""
    order, rejected = np.argsort(p), [False] * len(p)
    for number, place in enumerate(order):
        if p[place] > level / (len(p) - number):
            break
        rejected[place] = True
    return rejected


def main(argv: list[str] | None = None) -> int:
    """Prints a line for each mean and one for all; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    found = compare(claims.read_finished(parser.parse_args(argv).runs))
    if not found:
        parser.error("Expected runs with the settings before, after and shrunken, got none. Add them to --settings.")
    single = [(one, pair, p) for one in found for pair, p in one.pair_p.items()]
    below = holm([one.p for one in found])
    pairs_below = [each for each, low in zip(single, holm([p for *_, p in single]), strict=True) if low]
    for one, low in zip(found, below, strict=True):
        scores = " ".join(f"{name} {100 * value:.1f}" for name, value in one.value.items())
        alone = sum(p <= PLAIN for p in one.pair_p.values())
        print(
            f"{one.key.model} {one.key.embedding} layer {one.key.layer} {one.key.retrieval}, {one.key.seed_size} seeds:"
            f" {scores}; to the better {100 * one.difference:+.2f} ({100 * one.low:+.2f} to {100 * one.high:+.2f}),"
            f" p {one.p:.5f}{' BELOW' if low else ''}; pairs below without correction {alone} of {len(one.pair_p)}"
        )
    for one, pair, p in pairs_below:
        print(f"BELOW: {one.key.model} layer {one.key.layer}, {one.key.seed_size} seeds, {pair}:"
              f" {100 * one.pairs[pair]:+.2f}, p {p:.5f}")  # fmt: skip
    plain = sum(p <= PLAIN for *_, p in single)
    print(
        f"means below: {sum(below)} of {len(found)}; pairs below: {len(pairs_below)} of {len(single)} (Holm, .05);"
        f" pairs with p <= .025 and no correction: {plain}"
    )
    return 1 if any(below) or pairs_below else 0


if __name__ == "__main__":
    sys.exit(main())
