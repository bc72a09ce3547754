"""Word translation, MUSE's and vecmap's task: whole vocabularies, a seed and a test dictionary of word pairs."""

import dataclasses
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxalign import report
from jaxalign.alignment import procrustes
from jaxalign.alignment.normalize import normalized, parse_steps, unit_rows
from jaxalign.config import Config
from jaxalign.embeddings import word2vec_format
from jaxalign.experiment import limits
from jaxalign.metrics import precision
from jaxalign.metrics.rows import Place, ResultRow, result_row
from jaxalign.retrieval import vocabulary
from jaxalign.runtime import environment, files
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.progress import StageProgress
from jaxalign.types import InputError


def run(config: Config, out: Path, clock: Clock) -> dict:
    """Scores --dictionary from the first language of --languages into the second, before and after alignment.

    The map is fitted on the pairs of --seed_dictionary; words without a vector are left out and counted. A query with
    several translations is right where its best one is. Writes results.jsonl and environment.json under `out`.
    """
    first, second = config.languages
    options = word2vec_format.ReadOptions(config.max_vocabulary, config.repeated_keys)
    with clock.phase("load"):
        (source_words, source), (target_words, target) = (
            word2vec_format.read_language(config.spaces, code, options) for code in (first, second)
        )
        seed = _pairs(config.seed_dictionary, source_words, target_words)
        test = _pairs(config.dictionary, source_words, target_words)
    if source.shape[1] != target.shape[1]:
        widths = f"{source.shape[1]} and {target.shape[1]}"
        raise InputError(f"Expected spaces of one dimension, got {widths}. Correct --spaces.")
    config = dataclasses.replace(config, k=limits.fitting_k(config, len(target_words)))
    queries, answers = vocabulary.answer_table(test[0], test[1])
    _refuse_shared(seed[0], queries, source_words)
    steps = parse_steps(config.normalize)
    source, target = (np.asarray(normalized(rows, steps)) for rows in (source, target))
    model = Path(config.spaces).name
    head = Place(model, "vec", source=first, target=second, candidates="all", completion=config.completion)
    rows, progress = [], StageProgress("words")
    for setting in [name for name in ("before", "after") if name in config.settings]:
        with clock.phase("align"):
            mapped = _mapped(source, target, seed if setting == "after" else None, config)
        for retrieval in config.retrieval:
            with clock.phase("retrieve"):
                found = vocabulary.ranks(
                    *mapped, queries, answers, retrieval=retrieval, csls_k=config.csls_k,
                    memory_budget=int(config.memory_budget * 2**30), best=False, progress=progress,
                )  # fmt: skip
            place = head._replace(setting=setting, seed_size=len(seed[0]), retrieval=retrieval, csls_k=config.csls_k)
            rows += _rows(place, found.rank, config)
    report.write_rows(out / "results.jsonl", [dict(row) for row in rows])
    files.write_json(out / "environment.json", environment.environment(dtype=config.dtype))
    for row in rows:
        name = " ".join((f"{first}-{second}", row["setting"], row["retrieval"], row["metric"]))
        print(f"{name}: {100 * row['value']:.2f} %")
    return {"rows": len(rows), "queries": len(queries), "pairs_left_out": {"seed": seed[2], "test": test[2]}}


def _pairs(path: str, source_words, target_words) -> tuple[np.ndarray, np.ndarray, int]:
    try:
        return vocabulary.read_pairs(path, source_words, target_words)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"Expected a UTF-8 file of word pairs, got {path}: {error}. Change --dictionary.") from error


def _mapped(source: np.ndarray, target: np.ndarray, seed, config: Config) -> tuple[Any, Any]:
    if seed is not None:
        method = procrustes.method(config.procrustes)
        turn = procrustes.rotation(source[seed[0]], target[seed[1]], completion=config.completion, method=method)
        turn = np.asarray(turn)
        source, target = source @ turn, target @ (turn.T @ turn) if config.completion == "drop" else target
    return unit_rows(jnp.asarray(source)), unit_rows(jnp.asarray(target))


def _rows(head: Place, ranks: np.ndarray, config: Config) -> list[ResultRow]:
    made = []
    for metric in [*(f"P@{k}" for k in config.k), "MRR"]:
        gain = precision.gains(ranks, metric)
        low, high = value, value = (float(gain.mean()),) * 2
        if config.bootstrap:
            drawn = precision.resamples(len(gain), config.bootstrap, config.seed) @ gain / len(gain)
            low, high = np.percentile(drawn, (2.5, 97.5)).tolist()
        made.append(result_row(head._replace(metric=metric), value, len(gain), low, high))
    return made


def _refuse_shared(seed: np.ndarray, queries: np.ndarray, words) -> None:
    shared = np.intersect1d(seed, queries)
    if len(shared):
        raise InputError(
            f"Expected test words that are not in --seed_dictionary, got {len(shared)} in both, one is "
            f"{words[shared[0]]!r}. Remove them from one of the two."
        )
