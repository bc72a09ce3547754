"""Everything asked of one space: ranks of every pair, setting, retrieval and split, then its figures."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from jaxalign.alignment.normalize import is_constant
from jaxalign.config import Config
from jaxalign.evaluation import found_seeds as seeds_found
from jaxalign.evaluation.options import AlignmentOptions
from jaxalign.evaluation.result import Ranks
from jaxalign.experiment import result_cache
from jaxalign.experiment.design import Questions
from jaxalign.experiment.space_ranks import SpaceRanks
from jaxalign.experiment.study import Answer, Study, evaluated_of, kept_rows, split_rows
from jaxalign.metrics import (
    aggregate,
    all_answers,
    any_answer,
    isometry,
    precision,
    retrieval_errors,
    significance,
)
from jaxalign.metrics.comparisons import confounds
from jaxalign.metrics.controls import bitext, found_seeds, hubness, mexa, shrinkage_curve
from jaxalign.metrics.evaluated import Evaluated
from jaxalign.metrics.nulls import best_layer, spectrum
from jaxalign.metrics.rows import ResultRow
from jaxalign.runtime import threads
from jaxalign.runtime.log import LOGGER
from jaxalign.types import Space, Split


class Figures(NamedTuple):
    """Result rows, wrong retrievals as words, rank tables by name, and what a best layer needs, of one space."""

    rows: list[ResultRow]
    wrong: list[dict[str, object]]
    ranks: dict[str, np.ndarray]
    outcomes: list[best_layer.Outcome]  # of the first split, where --layers asks for several
    mexa: list[mexa.Layer]  # likewise, for --controls=bitext


def answers(study: Study, space: Space, asked: Questions) -> Iterator[Answer]:
    """All that is asked of one space, every process with its share.

    Where the ranks were computed before, they are empty on the processes after the first.
    """
    config, steps = study.config, study.options.normalize
    with study.clock.phase("load"):
        same = [code for code, rows in space.vectors.items() if is_constant(rows, steps)]
    if same:  # every answer would tie with every other
        name = "/".join(map(str, space.label))
        LOGGER.warning("align: %s is left out, all its vectors are the same in %s", name, ", ".join(same))
        if study.bar:
            study.bar.leave_out(len(asked.retrievals) * asked.splits)
        return
    space_ranks = SpaceRanks(space, config.workdir, study.bar)
    every_options = [
        replace(study.options, retrieval=retrieval, settings=asked.settings, seed_sizes=asked.seed_sizes)
        for retrieval in asked.retrievals
    ]
    splits = study.splits[: asked.splits]
    with study.clock.phase("align"):
        found = [space_ranks.of_pairs(split, every_options) for split in splits]
    for place, options in enumerate(every_options):
        for number, split in enumerate(splits):
            ranks = found[number][place]
            if "gpa" in config.controls and asked.controls:
                with study.clock.phase("align"):
                    shared = space_ranks.of_shared_space(split, options)
                ranks = Ranks(ranks.languages, ranks.tables + shared.tables)
            yield Answer(options, number, ranks)


def figures(study: Study, space: Space, asked: Questions) -> Figures:
    """Ranks and scores of one space in every split and retrieval that is asked of it."""
    config = study.config
    made = Figures([], [], {}, [], [])
    given = list(answers(study, space, asked))
    if not given:
        return made
    with study.clock.phase("score"):
        made.rows.extend(scores(study, space, asked, given))
    for answer in given:
        made.ranks.update(_named_tables(space, answer))
        if answer.number == 0 and config.layers != "last" and config.bootstrap:
            made.outcomes.extend(best_layer.outcomes(evaluated_of(study, space, asked, answer)))
        if answer.number == 0 and answer.options.retrieval == config.retrieval[0]:
            evaluated = evaluated_of(study, space, asked, answer)
            largest = answer.ranks.largest()
            after = largest.get("after") or max(largest.values(), key=lambda table: table.seed_size)
            made.wrong.extend(retrieval_errors.errors(evaluated, after, config.seed))
    if "isometry" in config.controls and asked.isometry:
        with study.clock.phase("isometry"):
            made.rows.extend(isometry_rows(config, space, asked))
    if "shrunken" in asked.settings and asked.controls:
        with study.clock.phase("align"):
            made.rows.extend(shrinkage_rows(study, space, [one.options for one in given if one.number == 0]))
    if "hubness" in config.controls and asked.controls:
        with study.clock.phase("hubness"):
            made.rows.extend(hubness_rows(study, space, [one.options for one in given if one.number == 0]))
    if "bitext" in config.controls and asked.controls:
        with study.clock.phase("bitext"):
            made.rows.extend(bitext_rows(study, space, given[0].options))
    if "bitext" in config.controls and asked.isometry and config.layers != "last" and "before" in asked.settings:
        with study.clock.phase("bitext"):
            layer = mexa.layer(space.label, dict(space.vectors), split_rows(study, space), given[0].options)
            made.mexa.append(layer)
    if (config.seed_dictionary or config.refine) and asked.controls:
        with study.clock.phase("found_seeds"):
            for answer in given:
                if answer.number == 0:
                    made.rows.extend(found_seed_rows(study, space, asked, answer))
    if "spectrum" in config.controls and asked.controls:
        with study.clock.phase("spectrum"):
            made.rows.extend(spectrum_rows(study, space, given[0].options))
    if config.answers == "all" and asked.controls and study.concepts.answers.keys() >= set(space.vectors):
        with study.clock.phase("answers"):
            for answer in given:
                if answer.number == 0:
                    made.rows.extend(answer_rows(study, space, asked, answer))
    if "confounds" in config.controls and asked.controls:
        with study.clock.phase("confounds"):
            for answer in given:
                if answer.number == 0:
                    made.rows.extend(confounds.rows(evaluated_of(study, space, asked, answer), study.confounds))
    return made


def hubness_rows(study: Study, space: Space, asked: Sequence[AlignmentOptions]) -> list[ResultRow]:
    """Hubs of a space in each retrieval, first split; read from the work folder where they were computed before."""
    split, made = split_rows(study, space), []
    for options in asked:
        make = partial(hubness.rows, space.label, dict(space.vectors), split, options, study.config.seed)
        made += kept_rows(study, space, "hubness", options.key(), make)
    return made


def bitext_rows(study: Study, space: Space, options: AlignmentOptions) -> list[ResultRow]:
    """Margin, F1 and MEXA of a space, first split; read from the work folder likewise."""
    config, given = study.config, (space.label, dict(space.vectors), split_rows(study, space), options)
    make = partial(bitext.rows, *given, bootstrap=config.bootstrap, rng_seed=config.seed)
    about = {"bootstrap": [config.bootstrap, config.seed]}
    return kept_rows(study, space, "bitext", options.key() | about, make)


def found_seed_rows(study: Study, space: Space, asked: Questions, given: Answer) -> list[ResultRow]:
    """Maps of identical words and of refinement, first split; read from the work folder likewise."""
    config, rows = study.config, split_rows(study, space)
    place = {name: number for number, name in enumerate(study.concepts.ids)}
    seeds = [place[space.ids[row]] for row in rows.seed]
    words = {code: study.concepts.words[code] for code in space.vectors}
    known = seeds_found.alike(words, seeds) if config.seed_dictionary else None
    search = seeds_found.Search(known, config.refine, config.null_draws)
    numbers = found_seeds.Numbers(config.k, config.bootstrap, config.seed)
    evaluated = evaluated_of(study, space, asked, given)
    make = partial(found_seeds.rows, evaluated, dict(space.vectors), rows, given.options, search, numbers)
    masks = [mask.tolist() for mask in known.values()] if known else []
    settings = {"settings": [table.setting for table in given.ranks.tables]}
    about = {"search": [masks, config.refine, config.null_draws], "numbers": list(numbers), **settings}
    return kept_rows(study, space, "found_seeds", given.options.key() | about, make)


def shrinkage_rows(study: Study, space: Space, asked: Sequence[AlignmentOptions]) -> list[ResultRow]:
    """The lambda of each pair and its curves in each retrieval, first split; read from the work folder likewise."""
    split, made = split_rows(study, space), []
    for options in asked:
        make = partial(shrinkage_curve.rows, space.label, dict(space.vectors), split, options)
        made += kept_rows(study, space, "shrinkage", options.key(), make)
    return made


def spectrum_rows(study: Study, space: Space, options: AlignmentOptions) -> list[ResultRow]:
    """P@1 of random spaces with the spectra of a space, first split; read from the work folder likewise."""
    split, vectors, config = split_rows(study, space), dict(space.vectors), study.config
    asked = {"draws": max(config.null_draws, spectrum.LEAST_DRAWS), "rng_seed": config.seed}
    make = partial(spectrum.rows, space.label, vectors, split, options, **asked)
    return kept_rows(study, space, "spectrum", options.key() | asked, make)


def answer_rows(study: Study, space: Space, asked: Questions, given: Answer) -> list[ResultRow]:
    """P@k and MRR of all words of the target concept, first split; read from the work folder likewise."""
    evaluated, config = evaluated_of(study, space, asked, given), study.config

    def make() -> list[ResultRow]:
        tables = any_answer.ranks(space.vectors, split_rows(study, space), given.options, evaluated)
        rows = any_answer.rows(evaluated, tables, ks=config.k, bootstrap=config.bootstrap, rng_seed=config.seed)
        return _without_copies(rows, [evaluated], config.seed)

    about = {"concepts": [evaluated.concepts, list(evaluated.subsets)], "k": [config.k, config.bootstrap, config.seed]}
    return kept_rows(study, space, "any_answer", given.options.key() | about, make)


def scores(study: Study, space: Space, asked: Questions, given: Sequence[Answer]) -> list[ResultRow]:
    """Rows of all answers about a space, splits merged; read from the work folder where they were made."""
    config = study.config
    evaluated = [evaluated_of(study, space, asked, answer) for answer in given]
    every_answer = (study.concepts.answers,) if config.answers == "all" else ()
    key = result_cache.digest_scores(evaluated, (config.k, config.bootstrap, config.seed, *every_answer))
    path = Path(config.workdir) / "ranks" / f"{key}.rows"
    kept = result_cache.read_rows(path)
    if kept is not None:
        return kept

    def score(one: Evaluated) -> list[ResultRow]:
        rows = precision.rows(one, ks=config.k, bootstrap=config.bootstrap, rng_seed=config.seed)
        tests = significance.rows(one, rng_seed=config.seed) if config.bootstrap else []
        if config.answers == "all":
            rows += all_answers.rows(one, bootstrap=config.bootstrap, rng_seed=config.seed)
        return rows + tests

    scored: dict[str, list[list[ResultRow]]] = {}
    with threads.one_lapack_thread():  # sums of a product depend on its threads, and rows should not on the machine
        for one in evaluated:
            scored.setdefault(one.columns["retrieval"], []).append(score(one))
    merged = (each[0] if len(each) == 1 else aggregate.over_splits(each) for each in scored.values())
    made = _without_copies([row for rows in merged for row in rows], evaluated, config.seed)
    result_cache.write_rows(path, made)
    return made


def _without_copies(rows: list[ResultRow], evaluated: Sequence[Evaluated], rng_seed: int) -> list[ResultRow]:
    """The rows without those of physical_down where these are the rows of physical in every split."""
    if not all(one.has_copies(rng_seed) for one in evaluated):
        return rows
    return [row for row in rows if row["subset"] != "physical_down"]


def isometry_rows(config: Config, space: Space, asked: Questions) -> list[ResultRow]:
    """How similar the languages of a space are without a map; read from the work folder where it was asked before."""
    metrics: tuple[str, ...] = isometry.DEFAULT
    if asked.controls:  # the distances are slow: for the main spaces only in the star design
        metrics += tuple(isometry.DISTANCES)
    steps = () if config.isometry_normalize == ("none",) else config.isometry_normalize
    draws = max(config.null_draws, isometry.LEAST_DRAWS)
    key = result_cache.digest(
        space,
        Split((), ()),
        "isometry",
        {"metrics": metrics, "normalize": steps, "null_draws": draws, "rng_seed": config.seed, "version": 2},
    )
    path = Path(config.workdir) / "ranks" / f"{key}.rows"
    rows = result_cache.read_rows(path)
    if rows is None:
        rows = isometry.rows(
            space.label,
            dict(space.vectors),
            metrics=metrics,
            normalize=steps,
            null_draws=draws,
            rng_seed=config.seed,
        )
        result_cache.write_rows(path, rows)
    return [cast(ResultRow, {**row, **space.label._asdict()}) for row in rows]  # the digest does not know the label


def _named_tables(space: Space, answer: Answer) -> dict[str, np.ndarray]:
    """Tables of ranks.npz: the ranks of each setting, and under `NAME|ties` its ties where there are any."""
    made = {}
    for table in answer.ranks.tables:
        parts = (*space.label, answer.options.retrieval, table.setting, table.seed_size, table.draw, answer.number)
        name = "|".join(map(str, parts))
        made[name] = table.rank
        if table.ties.any():
            made[f"{name}|ties"] = table.ties
    return made
