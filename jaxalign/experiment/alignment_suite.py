"""The alignment suite: concepts, splits, spaces of every model, ranks of every pair and setting, figures, report."""

import dataclasses
import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign import report
from jaxalign.concepts import confounds, covariates, dataset, splitting, subsets
from jaxalign.config import Config
from jaxalign.evaluation import warm_up
from jaxalign.evaluation.options import from_config
from jaxalign.evaluation.rows import Rows
from jaxalign.experiment import (
    design,
    estimate,
    inputs,
    limits,
    map_export,
    model_checks,
    per_space,
    text_checks,
    training_overlap,
)
from jaxalign.experiment.inputs import ModelSpaces, Traits
from jaxalign.experiment.training_overlap import Training
from jaxalign.experiment.translation import word_translation
from jaxalign.metrics import all_answers, any_answer, dataset_rows
from jaxalign.metrics.controls import mexa
from jaxalign.metrics.nulls import best_layer
from jaxalign.metrics.rows import ResultRow
from jaxalign.report import concept_map, screen
from jaxalign.report.page import library
from jaxalign.runtime import environment, files
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import Concepts, Space, Split


class Prepared(NamedTuple):
    """All that a run knows before the first model is loaded; everything that can be refused has been."""

    config: Config  # with the values of --k that the candidates allow
    concepts: Concepts
    vec_space: Space | None  # in place of models
    trainings: dict[str, Training]  # by model
    splits: list[Split]
    seed_sizes: tuple[int, ...]
    traits: Traits
    domains: dict[str, Any]  # WordNet domain of the concepts; empty unless --controls=domains


class Measured(NamedTuple):
    """The figures of a run."""

    results: per_space.Figures
    dataset_figures: list[ResultRow]  # of the concepts, their forms and the models
    records: dict[str, dict]  # model -> revision, digests, parameters
    maps: list[dict]  # coordinates of the words of each model, for the picture on the page


def run(config: Config, out: Path, clock: Clock) -> dict:
    """From concepts to the report: writes every file of the run to `out`; returns fields of the last stdout line."""
    if config.dictionary:
        return word_translation.run(config, out, clock)
    beside = ThreadPoolExecutor(2)  # for work that needs no model: the page's library, programs of the alignment
    beside.submit(library.packed)
    with clock.phase("load"):
        prepared = prepare(config)
        _warm_up(prepared, beside)
    inputs.log_concepts(prepared.concepts, prepared.splits[0])
    with clock.phase("load"):
        expected = estimate.long_run(_asked(prepared))
    if expected:
        LOGGER.info("estimate: %s (where nothing is kept from an earlier run)", expected.text)
    for number, split in enumerate(prepared.splits):
        splitting.write_split(out / ("split.json" if number == 0 else f"split-{number}.json"), split)
    return write(prepared, measure(prepared, out, clock, beside), out, clock)


def dry_run(config: Config) -> dict:
    """Checks all that a run checks before it begins and prints its estimate; returns fields of the last stdout line."""
    prepared = prepare(config)
    inputs.log_concepts(prepared.concepts, prepared.splits[0])
    expected = estimate.measured(_asked(prepared))
    print(f"{expected.text} (an estimate, where nothing is kept from an earlier run; without --controls)")
    return {"estimate": {stage: round(seconds, 2) for stage, seconds in expected.seconds.items()}}


def _asked(prepared: Prepared) -> estimate.Asked:
    return estimate.Asked(prepared.config, prepared.concepts, prepared.vec_space, prepared.splits, prepared.seed_sizes)


def compute_share(config: Config, clock: Clock) -> None:
    """Computes the share of every space and pair of a process after the first, which writes no file of the run."""
    if config.suite != "alignment" or config.dictionary:
        return
    prepared = prepare(config)
    study = per_space.Study(prepared.config, prepared.concepts, prepared.splits, [], clock, None)
    for model in inputs.spaces_of(prepared.config, prepared.concepts, prepared.vec_space, clock):
        for space, asked in questions(prepared, model):
            for _ in per_space.answers(study, space, asked):
                pass


def prepare(config: Config) -> Prepared:
    """Reads concepts and splits and checks every flag against them and against the models; raises InputError."""
    limits.check_languages(config)
    limits.check_libraries(config)
    records = model_checks.check(config)
    concepts, vec_space = inputs.concepts_of(config)
    if vec_space is not None:
        limits.check_vectors(config, vec_space.vectors)
    trainings = inputs.trainings_of(records, concepts)
    splits = inputs.splits_of(config, concepts, trainings)
    for warning in training_overlap.warnings(trainings, splits[0]):
        LOGGER.warning("%s", warning)
    if split_note := training_overlap.split_note(trainings, splits[0]):
        LOGGER.info("split: %s", split_note)
    seed_sizes = limits.seed_sizes_of(config, splits[0])
    traits = inputs.traits_of(config, concepts) if {"matched", "confounds"} & set(config.controls) else Traits((), {})
    if "matched" in config.controls and traits.english and {"abstract", "physical"} <= set(concepts.kinds):
        limits.check_frequencies(config)
    limits.check_controls(config, concepts)
    limits.check_identical(config, concepts, splits[0])
    text_checks.check(config, concepts)
    if config.export_mapped:
        map_export.target_of(config.export_mapped, tuple(concepts.words))
    config = dataclasses.replace(config, k=limits.ks_of(config, concepts, splits))
    domains = covariates.domains(concepts) if "domains" in config.controls else {}
    if domains and not any(mask.any() for mask in domains.values()):
        LOGGER.warning("controls: no domains, because the ids of the concepts are not those of WordNet")
    return Prepared(config, concepts, vec_space, trainings, splits, seed_sizes, traits, domains)


def questions(prepared: Prepared, model: ModelSpaces) -> list[design.AskedSpace]:
    """What is computed of each space of a model."""
    return design.questions(prepared.config, model.spaces, prepared.seed_sizes, len(prepared.splits))


def measure(prepared: Prepared, out: Path, clock: Clock, beside: ThreadPoolExecutor) -> Measured:
    """The figures of every space of every model; raises InputError where no space has vectors that differ."""
    config, concepts = prepared.config, prepared.concepts
    measured = Measured(per_space.Figures([], [], {}, [], []), _concept_figures(prepared), {}, [])
    shared = {}
    if "confounds" in config.controls:
        shared = confounds.of_concepts(concepts, prepared.traits.english, prepared.traits.columns)
    for model in inputs.spaces_of(config, concepts, prepared.vec_space, clock):
        with clock.phase("compile"):
            beside.shutdown()
        measured.records.update(model.record)
        masks = _masks(prepared, model, measured.dataset_figures)
        asked_of = questions(prepared, model)
        pictured = max((space for space, _ in asked_of), key=lambda space: space.label.layer)
        outcomes: list[best_layer.Outcome] = []
        layers: list[mexa.Layer] = []
        evaluations = sum(len(asked.retrievals) * asked.splits for _, asked in asked_of)
        with EvaluationProgress(evaluations, len(concepts.words) * (len(concepts.words) - 1)) as bar:
            study = per_space.Study(config, concepts, prepared.splits, masks, clock, bar)
            study.confounds.update(_confounds(prepared, model, shared))
            for space, asked in asked_of:
                figures = per_space.figures(study, space, asked)
                measured.results.rows.extend(figures.rows)
                if line := screen.found(figures.rows):
                    LOGGER.info("found: %s", line)
                measured.results.wrong.extend(figures.wrong)
                measured.results.ranks.update(figures.ranks)
                if figures.rows and space is pictured and config.map == "orthogonal":
                    split = prepared.splits[0]
                    coordinates = concept_map.coordinates(space, concepts, split, config.normalize, config.seed)
                    measured.maps.append(coordinates)
                outcomes.extend(figures.outcomes)
                layers.extend(figures.mexa)
                _export(prepared, study, space, out, mapped=bool(figures.rows))
        with clock.phase("score"):
            measured.results.rows.extend(_best_layers(prepared, outcomes, layers))
    if not measured.results.rows:  # every space was left out
        limits.check_vectors(config, model.spaces[-1].vectors)
    return measured


def _warm_up(prepared: Prepared, beside: ThreadPoolExecutor) -> None:
    """Begins to compile the programs of a small alignment; an error would be met again, and reported, when they run."""
    config, split = prepared.config, prepared.splits[0]
    if prepared.vec_space is None:
        concepts, width = len(prepared.concepts.ids), model_checks.width_of(config, config.models[0])
        if warm_up.is_worth_it(concepts, width):
            seeds = len(split.seed)
            rows = Rows(np.arange(seeds), np.arange(seeds, seeds + len(split.test)))
            options = dataclasses.replace(from_config(config), seed_sizes=prepared.seed_sizes)
            beside.submit(warm_up.compile_programs, concepts, width, rows, options, config.retrieval)


def _best_layers(prepared: Prepared, outcomes: list[best_layer.Outcome], layers: list[mexa.Layer]) -> list[ResultRow]:
    """Rows of the best layer of a model's series, which are said on the screen too, and of MEXA over layers."""
    if not outcomes:
        return []
    config, (answers, _) = prepared.config, subsets.test_set(prepared.concepts, prepared.splits[0])
    rows = best_layer.rows(outcomes, np.asarray(answers), bootstrap=config.bootstrap, rng_seed=config.seed)
    for line in screen.best_layers(rows):
        LOGGER.info("found: %s", line)
    return rows + mexa.rows(layers, np.asarray(answers), bootstrap=config.bootstrap, rng_seed=config.seed)


def _export(prepared: Prepared, study: per_space.Study, space: Space, out: Path, mapped: bool) -> None:
    """Writes what --export_spaces, --export_maps and --export_mapped ask for of a space."""
    config = prepared.config
    if config.export_spaces:
        inputs.export(space, out / "spaces", prepared.trainings.get(space.label.model))
    if mapped and (config.export_maps or config.export_mapped):
        options = dataclasses.replace(study.options, seed_sizes=prepared.seed_sizes)
        maps = map_export.MapExport(space, prepared.splits[0], options)
        if config.export_maps:
            maps.write_maps(out / "maps")
        if config.export_mapped:
            target = map_export.target_of(config.export_mapped, tuple(space.vectors))
            folder = maps.write_mapped(out / "mapped", target)
            training = prepared.trainings.get(space.label.model)
            training_overlap.write(folder, training_overlap.mapped(training, maps.seed_ids, target))


def _concept_figures(prepared: Prepared) -> list[ResultRow]:
    counts = dataset_rows.concept_rows(prepared.concepts, prepared.splits[0], prepared.domains)
    answers = all_answers.share_rows(prepared.concepts) if prepared.config.answers == "all" else []
    return [*counts, *dataset_rows.form_rows(prepared.concepts), *answers]


def _confounds(prepared: Prepared, model: ModelSpaces, shared: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The confounds of the first split's test concepts, for `--controls=confounds`; empty without it."""
    if "confounds" not in prepared.config.controls:
        return {}
    rows, test = subsets.test_set(prepared.concepts, prepared.splits[0])
    tokens = {code: counts[rows] for code, counts in model.tokens.items()}
    return confounds.of_pairs(test, {name: column[rows] for name, column in shared.items()}, tokens)


def _masks(prepared: Prepared, model: ModelSpaces, figures: list[ResultRow]) -> list[dict[str, np.ndarray]]:
    """The subsets of each split's test concepts; adds the rows of parameters and of balance to `figures`."""
    config, concepts, traits = prepared.config, prepared.concepts, prepared.traits
    values = {}
    if "matched" in config.controls:
        values = subsets.covariates_of(concepts, traits.english, model.tokens.get("en"), traits.columns)
    masks = [
        subsets.subsets(config.controls, concepts, split, tuple(concepts.words), values, prepared.domains, config.seed)
        for split in prepared.splits
    ]
    if config.answers == "all":
        for split, of_split in zip(prepared.splits, masks, strict=True):
            of_split.update(any_answer.sense_subsets(split.test))
    if "confounds" in config.controls and model.tokens:
        for split, of_split in zip(prepared.splits, masks, strict=True):
            rows, test = subsets.test_set(concepts, split)
            equal = confounds.equal_tokens(list(test.words), {code: n[rows] for code, n in model.tokens.items()})
            of_split["equal_tokens"] = equal
    for name, record in model.record.items():
        figures.append(dataset_rows.parameter_row(name, record["parameters"]))
    name = model.spaces[0].label.model
    figures += dataset_rows.balance_rows(name, concepts, prepared.splits[0], values, masks[0])
    return masks


def write(prepared: Prepared, measured: Measured, out: Path, clock: Clock) -> dict:
    """Writes environment.json, ranks.npz and the report; prints the tables; returns fields of the last stdout line."""
    config, splits = prepared.config, prepared.splits
    record = environment.environment(dtype=config.dtype) | {
        "models": measured.records,
        "concepts_digest": dataset.digest(prepared.concepts),
        "split_digest": hashlib.sha256((out / "split.json").read_bytes()).hexdigest()[:16],
        **training_overlap.facts(prepared.trainings, splits),
    }
    files.write_json(out / "environment.json", record)
    with open(out / "ranks.npz", "wb") as file:
        np.savez_compressed(file, **measured.results.ranks)  # type: ignore[arg-type]
    rows = [dict(row) for row in measured.results.rows + measured.dataset_figures]
    with clock.phase("report"):
        if measured.maps:
            concept_map.write(out, measured.maps)
        report.write(
            out,
            rows,
            concepts=prepared.concepts,
            split=splits[0],
            wrong=measured.results.wrong,
            environment=record,
            settings=inputs.settings_of(config),
            timing=clock.rows(),
        )
    report.show(rows)
    return {"rows": len(rows), "report": "report.html"}
