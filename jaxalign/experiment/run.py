"""A whole run in order: concepts, split, spaces of every model, every pair in every setting, figures, report."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np

from jaxalign import report
from jaxalign.alignment.normalize import is_constant, parse_steps
from jaxalign.concepts import covariates, dataset, splitting, subsets
from jaxalign.config import Config
from jaxalign.experiment import design, inputs, limits, model_checks, per_space, training_overlap, word_translation
from jaxalign.flag_rules import changed, notes, parse_size, shown
from jaxalign.metrics import all_answers, dataset_rows
from jaxalign.report import concept_map
from jaxalign.runtime import bucket, bucket_runs, devices, environment, files, processes, run_folder
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import InputError


def run(config: Config) -> Path | None:
    """Runs what the config asks for; returns the finished folder of the run, which never holds half-written files.

    On several hosts each process computes its share of the spaces and ranks; the first one writes the folder, and the
    others return None.
    """
    clock, given, in_bucket = Clock(), config, bucket.is_url(config.workdir)
    first = devices.prepare(config) == 0
    config = dataclasses.replace(config, dtype=devices.resolve_dtype(config.dtype))
    given = dataclasses.replace(given, dtype=config.dtype)
    if in_bucket:
        config = dataclasses.replace(config, workdir=str(bucket.make_mirror(config.workdir)))
    if not first:
        compute_share(config, clock)
        processes.barrier("end")
        return None
    suites = {"alignment": alignment, "plan": plan_suite, "embed": embed_suite, "kernels": kernels_suite}
    suite = suites[config.suite]
    for note in notes(config):
        LOGGER.warning("%s", note)
    root = Path(config.workdir)
    name = bucket_runs.claim(root, config.run_name)
    try:
        folder = run_folder.start(root, name)
    except InputError:
        bucket_runs.release(root, name)
        raise
    try:
        summary = suite(config, folder.partial, clock)
        files.write_text(folder.partial / "flags.txt", flags_text(given))
        files.write_text(folder.partial / "timing.jsonl", "".join(json.dumps(row) + "\n" for row in clock.rows()))
        final = run_folder.finish(folder)
    except BaseException:
        run_folder.discard(folder)
        bucket_runs.release(root, name)
        raise
    bucket_runs.publish(final)
    seconds = clock.rows()[-1]["seconds"]
    print(f"\nreport: {bucket.url_of(final / summary['report'])}") if "report" in summary else None
    print(
        json.dumps({"run": bucket.url_of(final), "suite": config.suite, "seconds": round(seconds, 2)} | summary),
        flush=True,
    )
    processes.barrier("end")
    return final


def compute_share(config: Config, clock: Clock) -> None:
    """Computes the share of every space and pair of a process after the first, which writes no file of the run."""
    if config.suite != "alignment" or config.dictionary:
        return
    records = model_checks.check(config)
    concepts, vec_space = inputs.concepts_of(config)
    splits = inputs.splits_of(config, concepts, inputs.trainings_of(records, concepts))
    seed_sizes = limits.seed_sizes_of(config, splits[0])
    study = per_space.Study(config, concepts, splits, [], clock, None)
    for model in inputs.spaces_of(config, concepts, vec_space, clock):
        for space, asked in design.questions(config, model.spaces, seed_sizes, len(splits)):
            for _ in per_space.answers(study, space, asked):
                pass


def alignment(config: Config, out: Path, clock: Clock) -> dict:
    """From concepts to the report: writes every file of the run to `out`; returns fields of the last stdout line."""
    if config.dictionary:
        return word_translation.run(config, out, clock)
    with clock.phase("load"):
        limits.check_libraries(config)
        training_records = model_checks.check(config)
        concepts, vec_space = inputs.concepts_of(config)
        trainings = inputs.trainings_of(training_records, concepts)
        splits = inputs.splits_of(config, concepts, trainings)
        for warning in training_overlap.warnings(trainings, splits[0]):
            LOGGER.warning("%s", warning)
        if split_note := training_overlap.split_note(trainings, splits[0]):
            LOGGER.info("split: %s", split_note)
        seed_sizes = limits.seed_sizes_of(config, splits[0])
        limits.check_controls(config, concepts)
        config = dataclasses.replace(config, k=limits.ks_of(config, concepts, splits))
        traits = inputs.traits_of(config, concepts) if "matched" in config.controls else inputs.Traits((), {})
        domains = covariates.domains(concepts) if "domains" in config.controls else {}
        dataset_figures = dataset_rows.concept_rows(concepts, splits[0], domains) + dataset_rows.form_rows(concepts)
        if config.answers == "all":
            dataset_figures += all_answers.share_rows(concepts)
    inputs.log_concepts(concepts, splits[0])
    for number, split in enumerate(splits):
        splitting.write_split(out / ("split.json" if number == 0 else f"split-{number}.json"), split)

    results = per_space.Figures([], [], {})
    maps: list[dict] = []  # of each model, for the picture on the page
    records: dict[str, dict] = {}
    for model in inputs.spaces_of(config, concepts, vec_space, clock):
        records |= model.record
        measured = (
            subsets.covariates_of(concepts, traits.english, model.english_tokens, traits.columns)
            if "matched" in config.controls
            else {}
        )
        masks = [
            subsets.subsets(config.controls, concepts, split, tuple(concepts.words), measured, domains, config.seed)
            for split in splits
        ]
        for name, record in model.record.items():
            dataset_figures.append(dataset_rows.parameter_row(name, record["parameters"]))
        name = model.spaces[0].label.model
        dataset_figures += dataset_rows.balance_rows(name, concepts, splits[0], measured, masks[0])
        questions = design.questions(config, model.spaces, seed_sizes, len(splits))
        evaluations = sum(len(asked.retrievals) * asked.splits for _, asked in questions)
        pictured = max((space for space, _ in questions), key=lambda space: space.label.layer)
        with EvaluationProgress(evaluations, len(concepts.words) * (len(concepts.words) - 1)) as bar:
            study = per_space.Study(config, concepts, splits, masks, clock, bar)
            for space, asked in questions:
                figures = per_space.figures(study, space, asked)
                results.rows.extend(figures.rows)
                results.wrong.extend(figures.wrong)
                results.ranks.update(figures.ranks)
                if figures.rows and space is pictured and config.map == "orthogonal":
                    maps.append(concept_map.coordinates(space, concepts, splits[0], config.normalize, config.seed))
                if config.export_spaces:
                    inputs.export(space, out / "spaces", trainings.get(space.label.model))

    if not results.rows:
        vectors = model.spaces[-1].vectors
        same = ", ".join(code for code in vectors if is_constant(vectors[code], parse_steps(config.normalize)))
        raise InputError(
            f"Expected spaces whose vectors differ, got one vector for all concepts in {same}. Leave these out of "
            "--languages, or change --pooling or --layers."
        )
    environment_record = environment.environment(dtype=config.dtype) | {
        "models": records,
        "concepts_digest": dataset.digest(concepts),
        "split_digest": hashlib.sha256((out / "split.json").read_bytes()).hexdigest()[:16],
        **training_overlap.facts(trainings, splits),
    }
    files.write_json(out / "environment.json", environment_record)
    with open(out / "ranks.npz", "wb") as file:
        np.savez_compressed(file, **results.ranks)  # type: ignore[arg-type]
    rows = [dict(row) for row in results.rows + dataset_figures]
    with clock.phase("report"):
        if maps:
            concept_map.write(out, maps)
        report.write(
            out,
            rows,
            concepts=concepts,
            split=splits[0],
            wrong=results.wrong,
            environment=environment_record,
            settings=inputs.settings_of(config),
            timing=clock.rows(),
        )
    report.show(rows)
    return {"rows": len(rows), "report": "report.html"}


def plan_suite(config: Config, out: Path, clock: Clock) -> dict:
    """What the run needs on --target: memory by the device's own compiler, least time by its published peaks."""
    from jaxalign.experiment.plan import suite

    return suite.run(config, out, clock)


def embed_suite(config: Config, out: Path, clock: Clock) -> dict:
    """Extraction throughput: texts and tokens per second, FLOP/s against the peak of the device."""
    from jaxalign.experiment import throughput_embed, throughput_table

    earlier = throughput_table.read(config.compare, config.suite) if config.compare else []
    rows = throughput_embed.run(config, out, clock)
    return {"rows": rows} | _shown_throughput(rows, earlier, config, out)


def kernels_suite(config: Config, out: Path, clock: Clock) -> dict:
    """Alignment throughput: pairs per second, FLOP/s against the peak of the device."""
    from jaxalign.experiment import throughput_align, throughput_table

    earlier = throughput_table.read(config.compare, config.suite) if config.compare else []
    languages = 7 if config.languages == ("auto",) else len(config.languages)
    options = throughput_align.KernelOptions(
        [parse_size(size) for size in config.sizes],
        languages=languages,
        settings=config.settings,
        dtype=config.dtype,
        precision=config.precision,
        memory_budget=int(config.memory_budget * 2**30),
        candidates=config.candidates,
        repeats=config.repeats,
        seed=config.seed,
    )
    rows = throughput_align.run(options, out)
    return {"rows": len(rows), "measured": rows} | _shown_throughput(rows, earlier, config, out)


def _shown_throughput(rows: list[dict], earlier: list[dict], config: Config, out: Path) -> dict:
    """Prints the table of a throughput suite, and the comparison with an earlier run, which it returns."""
    from jaxalign.experiment import throughput_table

    files.write_json(out / "environment.json", environment.environment(dtype=config.dtype))
    print(throughput_table.table(rows))
    if not earlier:
        return {}
    compared = throughput_table.comparison(rows, earlier)
    print(f"\n{throughput_table.comparison_table(compared)}")
    return {"compared": compared}


def flags_text(config: Config) -> str:
    """A flagfile that repeats the run: --seed and the flags that differ from their defaults."""
    values = {option.name: getattr(config, option.name) for option in dataclasses.fields(config)}
    kept = {"seed": config.seed} | changed(config)
    lines = [f"--{name}={shown(value)}" for name, value in values.items() if name in kept and name != "run_name"]
    return "\n".join(lines) + "\n"
