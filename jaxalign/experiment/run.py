"""The mission in order: concepts, split, spaces of every model, every pair in every setting, scores, report."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np

from jaxalign import report
from jaxalign.alignment.normalize import is_constant, parse_steps
from jaxalign.concepts import covariates, splitting, subsets
from jaxalign.concepts import dataset as words
from jaxalign.config import Config, parse_size
from jaxalign.experiment import design, inputs, per_space, word_translation
from jaxalign.metrics import dataset_rows
from jaxalign.runtime import bucket, bucket_runs, devices, environment, files, processes, run_folder
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.progress import EvaluationProgress
from jaxalign.types import InputError


def run(config: Config) -> Path | None:
    """Runs what the config asks for; returns the finished run's folder, which never holds anything half-written.

    On several hosts each process makes its share of the spaces and ranks, and the first one writes the run.
    """
    clock, given, in_bucket = Clock(), config, bucket.is_url(config.workdir)
    first = devices.prepare(config) == 0
    if in_bucket:
        config = dataclasses.replace(config, workdir=str(bucket.make_mirror(config.workdir)))
    if not first:
        join_in(config, clock)
        processes.barrier("end")
        return None
    suite = {"alignment": alignment, "embed": embed_suite, "kernels": kernels_suite}[config.suite]
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
    print(f"\nreport: {bucket.url_of(final / 'report.html')}") if "report" in summary else None
    print(
        json.dumps({"run": bucket.url_of(final), "suite": config.suite, "seconds": round(seconds, 2)} | summary),
        flush=True,
    )
    processes.barrier("end")
    return final


def join_in(config: Config, clock: Clock) -> None:
    """What the processes after the first do: their share of every space and of every pair."""
    if config.suite != "alignment" or config.dictionary:
        return
    concepts, vec_space = inputs.concepts_of(config)
    splits = inputs.splits_of(config, concepts)
    seed_sizes = inputs.seed_sizes_of(config, splits[0])
    plan = per_space.Study(config, concepts, splits, [], clock, None)
    for made in inputs.spaces_of(config, concepts, vec_space, clock):
        for space, asked in design.questions(config, made.spaces, seed_sizes, len(splits)):
            for _ in per_space.answers(plan, space, asked):
                pass


def alignment(config: Config, out: Path, clock: Clock) -> dict:
    """Concepts to report: writes every file of the run under `out`; returns what the last line on stdout adds."""
    if config.dictionary:
        return word_translation.run(config, out, clock)
    with clock.phase("load"):
        concepts, vec_space = inputs.concepts_of(config)
        splits = inputs.splits_of(config, concepts)
        seed_sizes = inputs.seed_sizes_of(config, splits[0])
        inputs.check_asked(config, concepts)
        config = dataclasses.replace(config, k=inputs.ks_of(config, concepts, splits))
        english, own = inputs.traits_of(config, concepts) if "matched" in config.controls else ((), {})
        domains = covariates.domains(concepts) if "domains" in config.controls else {}
        counted = dataset_rows.concept_rows(concepts, splits[0], domains) + dataset_rows.form_rows(concepts)
    inputs.say_concepts(concepts, splits[0])
    for number, split in enumerate(splits):
        splitting.write_split(out / ("split.json" if number == 0 else f"split-{number}.json"), split)

    found = per_space.Figures([], [], {})
    records: dict[str, dict] = {}
    for made in inputs.spaces_of(config, concepts, vec_space, clock):
        records |= made.record
        measured = subsets.covariates_of(concepts, english, made.tokens, own) if "matched" in config.controls else {}
        masks = [
            subsets.subsets(config.controls, concepts, split, tuple(concepts.words), measured, domains, config.seed)
            for split in splits
        ]
        for name, record in made.record.items():
            counted.append(dataset_rows.parameter_row(name, record["parameters"]))
        counted += dataset_rows.balance_rows(made.spaces[0].label.model, concepts, splits[0], measured, masks[0])
        questions = design.questions(config, made.spaces, seed_sizes, len(splits))
        evaluations = sum(len(asked.retrievals) * asked.splits for _, asked in questions)
        with EvaluationProgress(evaluations, len(concepts.words) * (len(concepts.words) - 1)) as bar:
            plan = per_space.Study(config, concepts, splits, masks, clock, bar)
            for space, asked in questions:
                figures = per_space.figures(plan, space, asked)
                found.rows.extend(figures.rows)
                found.wrong.extend(figures.wrong)
                found.ranks.update(figures.ranks)
                if config.export_spaces:
                    inputs.export(space, out / "spaces")

    if not found.rows:
        vectors = made.spaces[-1].vectors
        same = ", ".join(code for code in vectors if is_constant(vectors[code], parse_steps(config.normalize)))
        raise InputError(
            f"Expected spaces whose vectors differ, got one vector for all concepts in {same}. Leave that out of "
            "--languages, or change --pooling or --layers."
        )
    made_on = environment.environment(dtype=config.dtype) | {
        "models": records,
        "concepts_digest": words.digest(concepts),
        "split_digest": hashlib.sha256((out / "split.json").read_bytes()).hexdigest()[:16],
    }
    files.write_json(out / "environment.json", made_on)
    with open(out / "ranks.npz", "wb") as file:
        np.savez_compressed(file, **found.ranks)  # type: ignore[arg-type]
    rows = [dict(row) for row in found.rows + counted]
    with clock.phase("report"):
        report.write(
            out,
            rows,
            concepts=concepts,
            split=splits[0],
            wrong=found.wrong,
            environment=made_on,
            settings=inputs.settings_of(config),
            timing=clock.rows(),
        )
    report.show(rows)
    return {"rows": len(rows), "report": "report.html"}


def embed_suite(config: Config, out: Path, clock: Clock) -> dict:
    """Extraction throughput: texts and tokens a second, FLOP/s against the device's peak."""
    from jaxalign.experiment import throughput_embed

    return {"rows": throughput_embed.run(config, out, clock)}


def kernels_suite(config: Config, out: Path, clock: Clock) -> dict:
    """Alignment throughput: pairs a second, FLOP/s against the device's peak."""
    from jaxalign.experiment import throughput_align

    languages = 7 if config.languages == ("auto",) else len(config.languages)
    rows = throughput_align.run(
        [parse_size(size) for size in config.sizes],
        languages=languages,
        settings=config.settings,
        dtype=config.dtype,
        precision=config.precision,
        memory_budget=int(config.memory_budget * 2**30),
        candidates=config.candidates,
        repeats=config.repeats,
        seed=config.seed,
        out_dir=out,
    )
    files.write_json(out / "environment.json", environment.environment(dtype=config.dtype))
    return {"rows": len(rows), "measured": rows}


def flags_text(config: Config) -> str:
    """A flagfile that repeats the run: the flags that differ from their defaults."""
    lines = []
    for option in dataclasses.fields(config):
        value = getattr(config, option.name)
        if option.name == "run_name" or value == option.default and option.name != "seed":
            continue
        text = (
            ",".join(map(str, value))
            if isinstance(value, tuple)
            else str(value).lower()
            if isinstance(value, bool)
            else value
        )
        lines.append(f"--{option.name}={text}")
    return "\n".join(lines) + "\n"
