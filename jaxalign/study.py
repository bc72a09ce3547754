"""Everything asked of one space: ranks of every pair, setting, retrieval and split (kept on disk), then its figures."""

import hashlib
import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from jaxalign import evaluate, score, timing
from jaxalign.config import Config
from jaxalign.types import Concepts, Space, Split

RANKS_VERSION = 1  # raised when the ranks of the same question may change


class Figures(NamedTuple):
    """Result rows, wrong retrievals as words, and rank tables by name, of one space."""

    rows: list[dict]
    wrong: list[dict]
    ranks: dict[str, np.ndarray]


class Study(NamedTuple):
    """What every space of a run is asked: the splits, the seed sizes, and the control subsets of each split."""

    config: Config
    concepts: Concepts
    splits: Sequence[Split]
    seed_sizes: tuple[int, ...]
    masks: Sequence[dict[str, np.ndarray]]
    clock: timing.Clock
    bar: "Bar"


class Questions(NamedTuple):
    """How much is asked of one space."""

    retrievals: tuple[str, ...]
    splits: int
    settings: tuple[str, ...]
    seed_sizes: tuple[int, ...]


def questions(config: Config, space: Space, first: Space, seed_sizes: tuple[int, ...], splits: int) -> Questions:
    """Everything, or in the star design the three settings for spaces other than the run's main ones.

    `first` is the model's first space at the last layer; another embedding's main space has the same pooling choice.
    """
    label, main = space.label, first.label
    vanilla = label.embedding == main.embedding or label.embedding in ("vanilla", f"prompt:{config.template_names[0]}")
    pooled = (
        label.pooling == main.pooling or label.embedding != main.embedding and label.pooling in ("last", main.pooling)
    )
    if config.design == "full" or label.layer == main.layer and vanilla and pooled:
        return Questions(config.retrieval, splits, config.settings, seed_sizes)
    few = tuple(setting for setting in config.settings if setting in ("before", "after", "ceiling"))
    return Questions(config.retrieval[:1], 1, few or config.settings, seed_sizes[-1:])


def figures(study: Study, space: Space, first: Space) -> Figures:
    """Ranks and scores of one space in every split and retrieval that is asked of it."""
    config, languages = study.config, tuple(space.vectors)
    asked = questions(config, space, first, study.seed_sizes, len(study.splits))
    found = Figures([], [], {})
    for retrieval in asked.retrievals:
        per_split = []
        for number, split in enumerate(study.splits[: asked.splits]):
            with study.clock.phase("align"):
                outcome = outcomes(config, space, split, asked, retrieval, study.bar)
            with study.clock.phase("score"):
                scored = _scored(study, space, outcome, number, retrieval)
                per_split.append(scored + ties(scored, outcome, languages))
            found.ranks.update({_name(space, retrieval, number, one): one.rank for one in outcome})
            if number == 0 and retrieval == config.retrieval[0]:
                found.wrong.extend(_wrong(space, outcome, study.concepts, split, languages))
        found.rows.extend(per_split[0] if len(per_split) == 1 else over_splits(per_split))
    if "isometry" in config.controls:
        from jaxalign import isometry

        with study.clock.phase("isometry"):
            found.rows.extend(isometry.rows(space.label, dict(space.vectors), rng_seed=config.seed))
    return found


def _scored(study: Study, space: Space, found: list[evaluate.Outcome], number: int, retrieval: str) -> list[dict]:
    config = study.config
    return score.rows(
        space.label,
        found,
        study.concepts,
        study.splits[number],
        tuple(space.vectors),
        ks=config.k,
        retrieval=retrieval,
        csls_k=config.csls_k,
        candidates=config.candidates,
        completion=config.completion,
        subsets=study.masks[number],
        bootstrap=config.bootstrap,
        rng_seed=config.seed,
    )


def outcomes(
    config: Config, space: Space, split: Split, asked: Questions, retrieval: str, bar: "Bar"
) -> list[evaluate.Outcome]:
    """The outcomes of one space, split and retrieval; read from the work folder where the same was asked before."""
    question = dict(
        settings=asked.settings,
        seed_sizes=asked.seed_sizes,
        null_draws=config.null_draws,
        rng_seed=config.seed,
        retrieval=retrieval,
        csls_k=config.csls_k,
        candidates=config.candidates,
        normalize=() if config.normalize == ("none",) else config.normalize,
        completion=config.completion,
        procrustes=config.procrustes,
        map=config.map,
        scale=config.scale,
        translate=config.translate,
    )
    row_of = {name: row for row, name in enumerate(space.ids)}
    seed, test = (np.asarray([row_of[name] for name in names]) for names in split)
    path = Path(config.workdir) / "ranks" / f"{_digest(space, split, question)}.ranks"
    found = _read(path)
    if found is None:
        budget = int(config.memory_budget * 2**30)
        found = evaluate.outcomes(
            space.vectors, seed=seed, test=test, progress=bar.within, memory_budget=budget, **question
        )
        _write(path, found)
    bar.next()
    return found


class Bar:
    """One progress line over many evaluations of the same number of pairs."""

    def __init__(self, evaluations: int, pairs: int):
        self._pairs, self._finished, self._shown = pairs, 0, 0
        self._line = timing.Progress(evaluations * pairs, "align", "pairs")

    def within(self, done: int, total: int) -> None:
        """Takes the progress of the evaluation at work."""
        self._show(self._finished + self._pairs * done // total)

    def next(self) -> None:
        """Counts an evaluation as finished."""
        self._finished += self._pairs
        self._show(self._finished)

    def _show(self, pairs: int) -> None:
        self._line.update(pairs - self._shown)
        self._shown = pairs

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()


def _digest(space: Space, split: Split, question: dict) -> str:
    """Hash of the vectors, the split and everything asked; two questions with one hash have one answer."""
    made = hashlib.blake2b(digest_size=16)
    made.update(
        json.dumps([RANKS_VERSION, question, split, list(space.vectors)], sort_keys=True, default=list).encode()
    )
    for rows in space.vectors.values():
        made.update(str(rows.shape).encode() + np.ascontiguousarray(rows, np.float32).tobytes())
    return made.hexdigest()


def _write(path: Path, found: Sequence[evaluate.Outcome]) -> None:
    """Writes the outcomes behind a digest of themselves, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    heads = json.dumps([[one.setting, one.seed_size, one.draw] for one in found])
    tables = np.stack([np.stack([one.rank, one.best, one.ties]) for one in found])
    packed = io.BytesIO()
    np.savez_compressed(packed, heads=np.asarray(heads), tables=tables)
    data = packed.getvalue()
    temporary = path.with_suffix(f".{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(hashlib.blake2b(data, digest_size=16).digest() + data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path) -> list[evaluate.Outcome] | None:
    if not path.exists():
        return None
    data = path.read_bytes()
    if hashlib.blake2b(data[16:], digest_size=16).digest() != data[:16]:
        print(f"jaxalign: {path} is damaged; computing it again.", file=sys.stderr)
        return None
    with np.load(io.BytesIO(data[16:]), allow_pickle=False) as file:
        heads, tables = json.loads(str(file["heads"])), file["tables"]
    return [evaluate.Outcome(*head, *table) for head, table in zip(heads, tables, strict=True)]


def _name(space: Space, retrieval: str, split: int, one: evaluate.Outcome) -> str:
    return "|".join(map(str, (*space.label, retrieval, one.setting, one.seed_size, one.draw, split)))


def _wrong(space, found, concepts, split, languages) -> list[dict]:
    after = [one for one in found if one.setting == "after"] or found
    largest = max(after, key=lambda one: one.seed_size)
    return score.wrong(space.label, largest, concepts, split, languages)


def ties(rows: Sequence[dict], found: Sequence[evaluate.Outcome], languages: Sequence[str]) -> list[dict]:
    """Rows of the metrics `ties`, the share of queries whose right answer scores the same as another candidate, and
    `P@1_strict`, P@1 where a tie counts as lost, for every pair whose P@1 they may change.

    A rank counts only candidates that score strictly higher, so that P@k takes the better side of a tie.
    """
    outcomes = {(one.setting, one.seed_size): one for one in reversed(found)}  # the first draw of each
    place = {code: index for index, code in enumerate(languages)}
    made = []
    for row in rows:
        one = outcomes.get((row["setting"], row["seed_size"]))
        if row["metric"] != "P@1" or row["subset"] != "all" or row["source"] not in place or row["target"] not in place:
            continue
        if one is None or not one.ties[place[row["source"]], place[row["target"]]].any():
            continue
        at = place[row["source"]], place[row["target"]]
        shared, strict = (one.ties[at] > 0).mean(), ((one.rank[at] == 1) & (one.ties[at] == 0)).mean()
        made += [
            row | dict(metric=name, value=float(value), low=float(value), high=float(value))
            for name, value in (("ties", shared), ("P@1_strict", strict))
        ]
    return made


def over_splits(per_split: Sequence[Sequence[dict]]) -> list[dict]:
    """Rows of several splits as one: the mean, and a 95 % interval from the spread within and between splits.

    Variance of the mean's interval = mean within-split variance + variance between splits; the splits share concepts,
    so neither shrinks with their number.
    """
    made = []
    for same in zip(*per_split, strict=True):
        value, low, high = (np.array([row[name] for row in same]) for name in ("value", "low", "high"))
        spread = 1.959964 * np.std(value, ddof=1)
        below, above = np.sqrt(np.mean(value - low) ** 2 + spread**2), np.sqrt(np.mean(high - value) ** 2 + spread**2)
        mean = float(value.mean())
        made.append(
            same[0]
            | dict(
                value=mean,
                low=max(0.0, mean - float(below)),
                high=min(1.0, mean + float(above)),
                count=sum(row["count"] for row in same),
            )
        )
    return made
