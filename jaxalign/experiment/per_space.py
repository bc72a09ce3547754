"""Everything asked of one space: ranks of every pair, setting, retrieval and split (kept on disk), then its figures."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.alignment import generalized, procrustes
from jaxalign.config import Config
from jaxalign.evaluation import pairs as pairs_module
from jaxalign.evaluation import request
from jaxalign.experiment import result_cache
from jaxalign.metrics import aggregate, isometry, precision, retrieval_errors, significance
from jaxalign.runtime import clock as clock_module
from jaxalign.runtime import processes, threads
from jaxalign.runtime.log import LOGGER
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import Concepts, Space, Split


class Figures(NamedTuple):
    """Result rows, wrong retrievals as words, and rank tables by name, of one space."""

    rows: list[dict]
    wrong: list[dict]
    ranks: dict[str, np.ndarray]


class Study(NamedTuple):
    """What every space of a run is asked: the splits and the control subsets of each split."""

    config: Config
    concepts: Concepts
    splits: Sequence[Split]
    masks: Sequence[dict[str, np.ndarray]]
    clock: clock_module.Clock
    bar: EvaluationProgress | None  # None on the processes after the first


Answer = tuple[str, int, list[pairs_module.Outcome]]  # retrieval, number of the split, outcomes


class Questions(NamedTuple):
    """How much is asked of one space."""

    retrievals: tuple[str, ...]
    splits: int
    settings: tuple[str, ...]
    seed_sizes: tuple[int, ...]
    controls: bool = True  # subsets, the shared space and the distances
    likeness: bool = True  # how alike the languages are without a map


def questions(
    config: Config, spaces: Sequence[Space], seed_sizes: tuple[int, ...], splits: int
) -> list[tuple[Space, Questions]]:
    """What is asked of each space of a model: everything, or in the star design one thing changed at a time.

    The star's centres are the first pooling at the last layer of the vanilla embedding and of the first template. They
    get every question; a space that differs from its centre in layer, pooling or template gets before, after, ceiling
    and its null with the whole seed dictionary, the first retrieval and split, no controls; one that differs in layer
    and pooling before and after alone; one that differs in the template and another is left out.
    """
    everything = Questions(config.retrieval, splits, config.settings, seed_sizes)
    if config.design == "full":
        return [(space, everything) for space in spaces]

    def short(*names: str, likeness: bool) -> Questions:
        few = tuple(name for name in config.settings if name in names) or config.settings
        return Questions(config.retrieval[:1], 1, few, seed_sizes[-1:], controls=False, likeness=likeness)

    one_changed = short("before", "after", "ceiling", "ceiling_null", likeness=True)
    two_changed = short("before", "after", likeness=False)
    kinds = list(dict.fromkeys(space.label.embedding for space in spaces))
    poolings = {kind: next(space.label.pooling for space in spaces if space.label.embedding == kind) for kind in kinds}
    last = max(space.label.layer for space in spaces)
    centres = [kind for kind in kinds if kind == "vanilla"] + [kind for kind in kinds if kind != "vanilla"][:1]
    asked = []
    for space in spaces:
        label = space.label
        other_template = label.embedding not in centres
        changed = (label.layer != last) + (label.pooling != poolings[label.embedding]) + other_template
        if changed < 2 or not other_template:
            asked.append((space, (everything, one_changed, two_changed)[changed]))
    return asked


def answers(study: Study, space: Space, asked: Questions) -> Iterator[Answer]:
    """(retrieval, number of the split, outcomes) of all that is asked of one space, every process with its share.

    Outcomes read from disk are known to the first process alone.
    """
    config = study.config
    same = [code for code, rows in space.vectors.items() if request.is_constant(rows, config.normalize)]
    if same:  # every answer would tie with every other, and a tie's better side is rank 1
        name = "/".join(map(str, space.label))
        LOGGER.warning("align: %s is left out, all its vectors are the same in %s", name, ", ".join(same))
        if study.bar:
            study.bar.leave_out(len(asked.retrievals) * asked.splits)
        return
    turned: list[dict[str, np.ndarray]] = [{} for _ in study.splits]
    for retrieval in asked.retrievals:
        for number, split in enumerate(study.splits[: asked.splits]):
            with study.clock.phase("align"):
                outcome = outcomes(config, space, split, asked, retrieval, study.bar)
                if "gpa" in config.controls and asked.controls:
                    outcome = outcome + shared_space(config, space, split, retrieval, turned[number])
            yield retrieval, number, outcome


def figures(study: Study, space: Space, asked: Questions) -> Figures:
    """Ranks and scores of one space in every split and retrieval that is asked of it."""
    config, languages = study.config, tuple(space.vectors)
    found = Figures([], [], {})
    given = list(answers(study, space, asked))
    if not given:
        return found
    with study.clock.phase("score"):
        found.rows.extend(scores(study, space, asked, given))
    for retrieval, number, outcome in given:
        found.ranks.update({_name(space, retrieval, number, one): one.rank for one in outcome})
        if number == 0 and retrieval == config.retrieval[0]:
            found.wrong.extend(_wrong(space, outcome, study.concepts, study.splits[0], languages, config.seed))
    if "isometry" in config.controls and asked.likeness:
        with study.clock.phase("isometry"):
            found.rows.extend(likeness(config, space, asked))
    return found


def scores(study: Study, space: Space, asked: Questions, given: Sequence[Answer]) -> list[dict]:
    """Rows of all that was answered about a space, splits merged; read from the work folder where they were made."""
    config, languages = study.config, tuple(space.vectors)
    masks = {f"{n}/{name}": mask for n, each in enumerate(study.masks) for name, mask in each.items() if asked.controls}
    question: list[Any] = [space.label, languages, asked, study.concepts.ids, study.concepts.kinds, study.splits]
    question += [config.k, config.bootstrap, config.csls_k, config.candidates, config.completion, config.seed]
    answered = [(retrieval, number) for retrieval, number, _ in given]
    name = result_cache.digest_scores([one for *_, found in given for one in found], masks, [*question, answered])
    path = Path(config.workdir) / "ranks" / f"{name}.rows"
    kept = result_cache.read_rows(path)
    if kept is not None:
        return kept

    def score_one(one: Answer) -> list[dict]:
        retrieval, number, outcome = one
        rows = _scored(study, space, outcome, number, retrieval, asked)
        return rows + aggregate.ties(rows, outcome, languages)

    scored: dict[str, list[list[dict]]] = {}
    for (retrieval, _, _), rows in zip(given, threads.parallel_map(score_one, given, threads.workers(2)), strict=True):
        scored.setdefault(retrieval, []).append(rows)
    merged = (each[0] if len(each) == 1 else aggregate.over_splits(each) for each in scored.values())
    made = [row for rows in merged for row in rows]
    result_cache.write_rows(path, made)
    return made


def likeness(config: Config, space: Space, asked: Questions) -> list[dict]:
    """How alike the languages of a space are without a map; read from the work folder where it was asked before."""
    metrics: tuple[str, ...] = isometry.DEFAULT
    if asked.controls:  # the distances are slow: for the main spaces alone in the star design
        metrics += isometry.DISTANCES
    question = dict(isometry=metrics, rng_seed=config.seed)
    path = Path(config.workdir) / "ranks" / f"{result_cache.digest(space, Split((), ()), question)}.rows"
    rows = result_cache.read_rows(path)
    if rows is None:
        rows = isometry.rows(space.label, dict(space.vectors), metrics=metrics, rng_seed=config.seed)
        result_cache.write_rows(path, rows)
    return [row | space.label._asdict() for row in rows]


def _scored(
    study: Study, space: Space, found: list[pairs_module.Outcome], number: int, retrieval: str, asked: Questions
) -> list[dict]:
    """Scores, and, where intervals are asked for, differences with a test; control subsets on the star's centres."""
    config = study.config
    about = (space.label, found, study.concepts, study.splits[number], tuple(space.vectors))
    question: dict[str, Any] = dict(
        retrieval=retrieval,
        csls_k=config.csls_k,
        candidates=config.candidates,
        completion=config.completion,
        subsets=study.masks[number] if asked.controls else {},
        rng_seed=config.seed,
    )
    rows = precision.rows(*about, ks=config.k, bootstrap=config.bootstrap, **question)
    return rows + significance.rows(*about, **question) if config.bootstrap else rows


def shared_space(
    config: Config, space: Space, split: Split, retrieval: str, turned: dict[str, np.ndarray]
) -> list[pairs_module.Outcome]:
    """The setting `gpa`: all languages turned into one space by generalised Procrustes on the seed dictionary.

    `turned` keeps that space for the next retrieval; where its ranks are on disk it is not made. As `outcomes` on
    several hosts.
    """
    steps = () if config.normalize == ("none",) else config.normalize
    question = dict(gpa=2, retrieval=retrieval, csls_k=config.csls_k, candidates=config.candidates, normalize=steps)
    question |= dict(procrustes=procrustes.method(config.procrustes))
    name = result_cache.digest(space, split, question)
    path = Path(config.workdir) / "ranks" / f"{name}.ranks"
    kept = result_cache.read(path) if processes.is_first() else None
    if not processes.must_compute(name, kept is None):
        return kept or []
    row_of = {name: row for row, name in enumerate(space.ids)}
    seed = np.asarray([row_of[name] for name in split.seed])
    if not turned:
        tamed = {code: request.tame(np.asarray(rows), steps) for code, rows in space.vectors.items()}
        vectors = {code: np.asarray(procrustes.normalize(rows, steps)) for code, rows in tamed.items()}
        # Where the seed does not span the space the common rotation is the identity there: it has to be one for all.
        # The rounds begin at the first language: the alphabetically first, whatever the order of --languages.
        order = sorted(vectors)
        # All rounds: where the growth is no more than rounding, a stop would hang on the number of devices.
        rows = [vectors[code][seed] for code in order]
        maps = generalized.rotations(rows, method=procrustes.method(config.procrustes), tolerance=-1.0)
        turns = dict(zip(order, maps, strict=True))
        turned.update({code: rows @ turns[code] for code, rows in vectors.items()})
    asked = Questions((retrieval,), 1, ("before",), ())
    raw = dataclasses.replace(config, normalize=("none",))
    found = outcomes(raw, space._replace(vectors=turned), split, asked, retrieval, None)
    found = [one._replace(setting="gpa", seed_size=len(seed)) for one in found]
    if processes.is_first():
        result_cache.write(path, found)
    return found


def outcomes(
    config: Config, space: Space, split: Split, asked: Questions, retrieval: str, bar: EvaluationProgress | None
) -> list[pairs_module.Outcome]:
    """The outcomes of one space, split and retrieval; read from the work folder where the same was asked before.

    Every process computes its share of the pairs; the first one alone reads and writes the work folder, so that the
    others get none of what was asked before.
    """
    question = dict(
        settings=asked.settings,
        seed_sizes=asked.seed_sizes,
        null_draws=config.null_draws,
        rng_seed=config.seed,
        retrieval="inverted_softmax" if retrieval == "isf" else retrieval,
        csls_k=config.csls_k,
        candidates=config.candidates,
        normalize=() if config.normalize == ("none",) else config.normalize,
        completion=config.completion,
        procrustes=procrustes.method(config.procrustes),
        precision=config.precision,
        map=config.map,
        scale=config.scale,
        translate=config.translate,
    )
    row_of = {name: row for row, name in enumerate(space.ids)}
    seed, test = (np.asarray([row_of[name] for name in names]) for names in split)
    name = result_cache.digest(space, split, question)
    path = Path(config.workdir) / "ranks" / f"{name}.ranks"
    found = result_cache.read(path) if processes.is_first() else None
    if processes.must_compute(name, found is None):
        budget = int(config.memory_budget * 2**30)
        found = pairs_module.outcomes(
            space.vectors,
            seed=seed,
            test=test,
            progress=bar.within if bar else None,
            memory_budget=budget,
            share=processes.share(),
            **question,
        )
        if processes.is_first():
            result_cache.write(path, found)
    if bar:
        bar.next()
    return found or []


def _name(space: Space, retrieval: str, split: int, one: pairs_module.Outcome) -> str:
    return "|".join(map(str, (*space.label, retrieval, one.setting, one.seed_size, one.draw, split)))


def _wrong(space, found, concepts, split, languages, rng_seed) -> list[dict]:
    after = [one for one in found if one.setting == "after"] or found
    largest = max(after, key=lambda one: one.seed_size)
    return retrieval_errors.errors(space.label, largest, concepts, split, languages, rng_seed)
