"""Made-up result rows of many models, layers and languages: what the page is measured and looked at with.

The figures follow no model: a quality for each language and model, a curve over the layers, and noise. They show how a
page of that size looks and how long it takes, never how well something aligns.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from jaxalign.metrics.rows import MEAN, Place, ResultRow, result_row

SEVEN = ("en", "fr", "ro", "eu", "fi", "ja", "th")
SIXTY = (
    "en de nl sv da nb fr es pt it ro ca el sq hy ru uk be pl cs sk sl hr sr bg lt lv fa hi bn ur gu pa ne "
    "fi et hu tr az kk uz ar he am ha sw yo ta te ml kn ka eu th vi zh ja ko id tl"
).split()
TEN = ("org/mini-0.5b", "org/mini-1b", "org/mini-3b", "lab/tower-7b", "lab/tower-13b", "lab/tower-70b", "base-560m",
       "wide/mix-1b7", "wide/mix-7b1", "unsized")  # fmt: skip
SETTINGS = {"before": 0.25, "after": 0.55, "ceiling": 0.9, "null": 0.004, "ceiling_null": 0.3}
SEEDS, QUERIES = 1324, 934


class Study(NamedTuple):
    """What the rows are of."""

    models: Sequence[str] = TEN
    layers: int = 20
    languages: Sequence[str] = SEVEN
    settings: Sequence[str] = tuple(SETTINGS)
    metrics: Sequence[str] = ("P@1", "P@5", "P@10", "P@30", "MRR")


def rows(study: Study, rng_seed: int = 0) -> list[ResultRow]:
    """Rows of every model, layer, pair, setting and metric, their means, and the differences that a run tests."""
    rng = np.random.default_rng(rng_seed)
    codes = study.languages
    quality = rng.uniform(0.5, 1.0, len(codes))
    pairs = np.sqrt(np.outer(quality, quality)) * rng.uniform(0.9, 1.05, (len(codes), len(codes)))
    made: list[ResultRow] = []
    strengths = rng.uniform(0.6, 1.0, len(study.models))
    for model, strength in zip(study.models, strengths, strict=True):
        for layer in range(study.layers):
            depth = 0.4 + 0.6 * np.sin(np.pi * (layer + 1) / (study.layers + 3))
            place = Place(model, "vanilla", "last", layer, retrieval="csls", csls_k=10, candidates="all",
                          completion="drop")  # fmt: skip
            for setting in study.settings:
                size = 0 if setting == "before" else SEEDS if setting in ("after", "null") else SEEDS + QUERIES
                at = place._replace(setting=setting, seed_size=size)
                for number, metric in enumerate(study.metrics):
                    value = np.clip(SETTINGS[setting] * strength * depth * pairs * (1 + 0.15 * number), 0, 1)
                    made += _square(at._replace(metric=metric), codes, value)
            made += _tested(place, codes, 0.3 * strength * depth * pairs)
            made += _square(place._replace(setting="chance", metric="P@1"), codes, 0 * pairs + 1 / (SEEDS + QUERIES))
    return made + list(_between_models(study, strengths))


def _square(place: Place, codes: Sequence[str], value: np.ndarray) -> Iterator[ResultRow]:
    width = 1.96 * np.sqrt(value * (1 - value) / QUERIES)
    names, last = [*codes, MEAN], len(codes)
    whole = np.full((last + 1, last + 1), np.nan)
    off = np.where(np.eye(last, dtype=bool), np.nan, value)
    whole[:last, :last] = off
    whole[:last, last], whole[last, :last], whole[last, last] = np.nanmean(off, 1), np.nanmean(off, 0), np.nanmean(off)
    spread = np.pad(width, (0, 1), constant_values=float(width.mean()))
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            if np.isfinite(whole[i, j]):
                at = place._replace(source=source, target=target)
                ends = np.clip((whole[i, j] - spread[i, j], whole[i, j] + spread[i, j]), 0, 1).round(6).tolist()
                yield result_row(at, round(float(whole[i, j]), 6), QUERIES, *ends)


def _tested(place: Place, codes: Sequence[str], value: np.ndarray) -> Iterator[ResultRow]:
    at = place._replace(setting="after - before", seed_size=SEEDS)
    yield from _square(at._replace(metric="P@1"), codes, value)
    yield from _square(at._replace(metric="P@1_p"), codes, 0 * value + 0.001)


def _between_models(study: Study, strengths: np.ndarray) -> Iterator[ResultRow]:
    at = Place("", "vanilla", "last", study.layers - 1, setting="after - after", seed_size=SEEDS, retrieval="csls",
               csls_k=10, candidates="all", completion="drop")  # fmt: skip
    for i, first in enumerate(study.models):
        for j in range(i + 1, len(study.models)):
            change = 0.3 * float(strengths[i] - strengths[j])
            place = at._replace(model=f"{first} - {study.models[j]}")
            yield result_row(place._replace(metric="P@1"), change, QUERIES, change - 0.02, change + 0.02)
            yield result_row(place._replace(metric="P@1_p"), 0.001 if abs(change) > 0.02 else 0.4, QUERIES)


def extras(study: Study) -> dict:
    """What report.json would hold: made-up words that went wrong in the deepest layer of each model."""
    return {
        "concepts": {"total": SEEDS + QUERIES, "kinds": {"abstract": 900, "physical": 1358},
                     "seed": SEEDS, "test": QUERIES},
        "wrong": [
            {"model": model, "embedding": "vanilla", "pooling": "last", "layer": study.layers - 1, "source": source,
             "target": target, "queries": QUERIES, "wrong": 420,
             "sample": [[f"c{n}", f"{source}{n}", f"{target}{n + 7}", f"{target}{n}", 2 + n] for n in range(12)],
             "worst": [[f"c{n}", f"{source}{n}", f"{target}{n + 9}", f"{target}{n}", 900 - n] for n in range(6)],
             "common": [[f"{target}{n}", 9 - n] for n in range(5)]}
            for model in study.models for source in study.languages for target in study.languages if source != target
        ],
        "environment": {"warnings": ["Made-up figures: this page shows a size, not a result."]},
        "settings": {"map": "orthogonal"},
        "made": 1_700_000_000,
    }  # fmt: skip
