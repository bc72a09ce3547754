"""Word translation, the task of MUSE and vecmap: two whole vocabularies, a seed and a test dictionary of word pairs.

A candidate that scores exactly as the right answer is a tie. P@k is the probability that the right answer is among the
first k when the tied stand in random order, MRR the reciprocal of its mean place; `P@1_best` counts every tie as found,
`P@1_strict` none. The null is the same fit on a shuffled seed dictionary, with the same queries and candidates.
"""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np
from jaxtyping import Float

from jaxalign import report
from jaxalign.alignment.normalize import first_equal_rows, is_constant, normalized, parse_steps
from jaxalign.config import Config
from jaxalign.embeddings import word2vec_format
from jaxalign.experiment import limits
from jaxalign.experiment.translation import dictionary_files
from jaxalign.experiment.translation.dictionary_files import Coverage, DictionaryPairs
from jaxalign.experiment.translation.ranking import Task, Vocabulary, fitted_on, rank
from jaxalign.metrics import gains, precision, significance
from jaxalign.metrics.rows import MEAN, Place, ResultRow, result_row
from jaxalign.retrieval import vocabulary_pallas
from jaxalign.retrieval.csls import check_k
from jaxalign.retrieval.vocabulary import WordRanks
from jaxalign.runtime import environment, files
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError

SETTINGS = ("before", "after", "null", "refined", "refined_null")
# Of each difference the side that is tested and the one that it is compared with.
DIFFERENCES = (("after", "before"), ("after", "null"), ("refined", "after"), ("refined", "refined_null"))
IDENTICAL = "identical"  # --seed_dictionary: the words that both vocabularies write alike
LOW_COVERAGE = 0.5  # of source words, below which a warning is given


def run(config: Config, out: Path, clock: Clock) -> dict:
    """Scores --dictionary from the first language of --languages into the second: before, after and null.

    The map is fitted on the pairs of --seed_dictionary; words without a vector are left out and counted. A query with
    several translations is right where its best one is. Writes results.jsonl, environment.json and the page to `out`.
    """
    with clock.phase("load"):
        task = load(config)
    config = dataclasses.replace(config, k=limits.fitting_k(config, len(task.target.words)))
    first, second = config.languages
    place = Place(Path(config.spaces).name, "vec", source=first, target=second)
    rows = coverage_rows(place, "seed", task.seed.coverage) + coverage_rows(place, "test", task.test.coverage)
    warnings = log_coverage(task)
    place = place._replace(candidates="all", completion=config.completion, seed_size=task.seed.coverage.known_pairs)
    ranked: dict[str, list[dict[str, WordRanks]]] = {}  # setting -> its draws -> retrieval
    refined = ("refined", "refined_null") if config.refine else ()
    for name in SETTINGS:
        if name in (*config.settings, *refined):
            count = config.null_draws if name.endswith("null") else 1
            ranked[name] = [
                rank(config, fitted_on(task, name, config.seed, draw), name, clock) for draw in range(count)
            ]
    with clock.phase("score"):
        for retrieval in config.retrieval:
            here = place._replace(retrieval=retrieval, csls_k=config.csls_k)
            drawn = {setting: [draw[retrieval] for draw in draws] for setting, draws in ranked.items()}
            for setting, draws in drawn.items():
                rows += metric_rows(config, here._replace(setting=setting), draws)
            for one, other in DIFFERENCES:
                if config.bootstrap and {one, other} <= set(drawn):
                    there = here._replace(setting=f"{one} - {other}")
                    rows += difference_rows(config, there, drawn[one], drawn[other])
    rows += chance_rows(config, place, len(task.target.words))
    record = environment.environment(dtype=config.dtype) | {"warnings": warnings}
    files.write_json(out / "environment.json", record)
    with clock.phase("report"):
        plain = [dict(row) for row in rows]
        extras = {"environment": record, "settings": dataclasses.asdict(config), "timing": clock.rows()}
        report.write_results(out, plain)
        report.render(out, plain, extras)
    show(rows)
    coverage = {"seed": task.seed.coverage._asdict(), "test": task.test.coverage._asdict()}
    left_out = {name: each["pairs"] - each["known_pairs"] for name, each in coverage.items()}
    queries = task.test.coverage.known_source_words
    result = {"rows": len(rows), "report": "report.html", "queries": queries}
    return result | {"coverage": coverage, "pairs_left_out": left_out}


def load(config: Config) -> Task:
    """Reads and checks both dictionaries, then both vocabularies; raises InputError before anything is computed."""
    check_kernel(config)
    given = {
        flag: dictionary_files.read(getattr(config, flag), flag, config.lowercase)
        for flag in ("dictionary", "seed_dictionary")
        if getattr(config, flag) != IDENTICAL or flag == "dictionary"
    }
    word2vec_format.check(config.spaces, config.languages)
    options = word2vec_format.ReadOptions(config.max_vocabulary, config.repeated_keys)
    source, target = (
        Vocabulary(*word2vec_format.read_language(config.spaces, code, options)) for code in config.languages
    )
    if config.seed_dictionary == IDENTICAL:
        asked = {word for word, _ in given["dictionary"]}
        given["seed_dictionary"] = dictionary_files.identical(source.words, target.words, asked)
    seed, test = (
        dictionary_files.look_up(given[flag], source.words, target.words, flag)
        for flag in ("seed_dictionary", "dictionary")
    )
    check_disjoint(seed, test, source.words)
    if "csls" in config.retrieval:
        check_k(config.csls_k, len(source.words))
    steps = parse_steps(config.normalize)
    for code, language in zip(config.languages, (source, target), strict=True):
        if is_constant(language.vectors, steps):
            raise InputError(
                f"Expected vectors that differ, got the same direction for all {len(language.words):,} words of "
                f"{code}. Every answer would tie with every other. Change --spaces or --languages."
            )
    source, target = (each._replace(vectors=np.asarray(normalized(each.vectors, steps))) for each in (source, target))
    return Task(source, target, seed, test, first_equal_rows(target.vectors))


def check_disjoint(seed: DictionaryPairs, test: DictionaryPairs, words: tuple[str, ...]) -> None:
    """Raises InputError for source words that are in both dictionaries."""
    shared = np.intersect1d(seed.source_rows, test.source_rows)
    if len(shared):
        raise InputError(
            f"Expected test words that are not in --seed_dictionary, got {len(shared)} in both, for example "
            f"{words[shared[0]]!r}. Remove them from one of the two."
        )


def log_coverage(task: Task) -> list[str]:
    """Logs how much of both dictionaries has vectors; returns the sentences, with which the page begins."""
    sentences = []
    for name, coverage in (("seed", task.seed.coverage), ("test", task.test.coverage)):
        text = (
            f"{name} dictionary: {coverage.known_source_words:,} of {coverage.source_words:,} source words "
            f"({100 * coverage.share:.1f} %) and {coverage.known_pairs:,} of {coverage.pairs:,} pairs have vectors; "
            f"unknown: {coverage.unknown_source:,} source words, {coverage.unknown_target:,} target words"
        )
        if coverage.share < LOW_COVERAGE:
            text += ". Less than half of the words are scored: the figures describe only these"
            LOGGER.warning("%s", text)
        else:
            LOGGER.info("%s", text)
        sentences.append(f"{text[0].upper()}{text[1:]}.")
    return sentences


def coverage_rows(place: Place, name: str, coverage: Coverage) -> list[ResultRow]:
    """The coverage of the dictionary `name`: share of source words, share of pairs, numbers of unknown words."""
    place = place._replace(setting="dictionary", subset=name)
    known_pairs = coverage.known_pairs / coverage.pairs
    return [
        result_row(place._replace(metric="coverage"), coverage.share, coverage.source_words),
        result_row(place._replace(metric="pair_coverage"), known_pairs, coverage.pairs),
        result_row(place._replace(metric="unknown_source_words"), coverage.unknown_source, coverage.source_words),
        result_row(place._replace(metric="unknown_target_words"), coverage.unknown_target, coverage.pairs),
    ]


def check_kernel(config: Config) -> None:
    """InputError for --kernel=pallas where there is no TPU, or for more neighbours than its kernel keeps."""
    if config.kernel != "pallas":
        return
    if jax.default_backend() != "tpu":
        raise InputError(f"Expected a TPU for --kernel=pallas, got {jax.default_backend()}. Give --kernel=xla.")
    if config.csls_k > vocabulary_pallas.LANES:
        raise InputError(
            f"Expected --csls_k of at most {vocabulary_pallas.LANES} with --kernel=pallas, got {config.csls_k}. "
            "Give --kernel=xla."
        )


def metric_rows(config: Config, place: Place, draws: Sequence[WordRanks]) -> list[ResultRow]:
    """P@k, MRR, the share of queries with a tie, and both sides of the ties of P@1, each with its interval.

    Of several draws of the null, the mean of each query.
    """
    metrics = (*(f"P@{k}" for k in config.k), "MRR", "ties", "P@1_strict", "P@1_best")
    rows = []
    for metric in metrics:
        gain = np.mean([_gain(ranked, metric) for ranked in draws], axis=0)
        value, low, high = precision.interval(gain, config.bootstrap, config.seed)
        rows.append(result_row(place._replace(metric=metric), value, len(gain), low, high))
    return rows


def _gain(ranked: WordRanks, metric: str) -> Float[np.ndarray, " query"]:
    """What each query adds to a metric."""
    if metric == "ties":
        return (ranked.ties > 0).astype(np.float64)
    if metric in ("P@1_strict", "P@1_best"):
        return gains.gains(ranked.rank + (ranked.ties if metric == "P@1_strict" else 0), "P@1")
    return gains.expected_gains(ranked.rank, ranked.ties, metric, ranked.answers)


def difference_rows(
    config: Config, place: Place, after: Sequence[WordRanks], other: Sequence[WordRanks]
) -> list[ResultRow]:
    """P@1 after alignment less another setting's, with its interval and the p-value of the sign-flip test."""
    gain = (np.mean([_gain(ranked, "P@1") for ranked in draws], axis=0) for draws in (after, other))
    difference = np.zeros((2, 2, len(after[0].rank)))
    difference[0, 1] = np.subtract(*gain)
    tested = significance.paired(difference, rng_seed=config.seed)
    value, low, high = (float(table[0, 1]) for table in (tested.value, tested.low, tested.high))
    rows = []
    for source, target in ((place.source, place.target), (MEAN, MEAN)):  # the mean over pairs, of which there is one
        here = place._replace(source=source, target=target)
        rows.append(result_row(here._replace(metric="P@1"), value, tested.queries, low, high))
        if tested.p is not None:
            rows.append(result_row(here._replace(metric="P@1_p"), float(tested.p[0, 1]), tested.queries))
    return rows


def chance_rows(config: Config, place: Place, candidates: int) -> list[ResultRow]:
    """What candidates in random order would give a query with one right answer."""
    place = place._replace(setting="chance", seed_size=0)
    return [
        result_row(place._replace(retrieval=retrieval, csls_k=config.csls_k, metric=metric), chance, candidates)
        for retrieval in config.retrieval
        for metric in (*(f"P@{k}" for k in config.k), "MRR")
        for chance in [gains.chance(metric, candidates)]
    ]


def show(rows: list[ResultRow]) -> None:
    """Prints the figures of every setting and retrieval on stdout."""
    for row in rows:
        if row["setting"] in ("dictionary", "chance") or row["source"] == MEAN or row["metric"].endswith("_p"):
            continue
        name = " ".join((f"{row['source']}-{row['target']}", row["setting"], row["retrieval"], row["metric"]))
        bounds = f" ({100 * row['low']:.2f} to {100 * row['high']:.2f})" if row["low"] < row["high"] else ""
        print(f"{name}: {100 * row['value']:.2f} %{bounds}")
