"""`--suite=plan`: prints a table of what the run needs on `--target`, and writes it as rows and as a page."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.config import Config
from jaxalign.experiment.plan import bounds, choose, programs, work
from jaxalign.experiment.plan.bounds import Bound
from jaxalign.experiment.plan.choose import Choice
from jaxalign.experiment.plan.programs import Compiled, Probe, Ranking
from jaxalign.experiment.plan.work import Work
from jaxalign.report.page import plan as page
from jaxalign.runtime import files, targets, threads
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.targets import Target
from jaxalign.types import InputError


class Plan(NamedTuple):
    """One model on one target."""

    work: Work
    target: Target
    choice: Choice
    ranking: Compiled
    stages: tuple[Bound, ...]
    disk_bytes: int


def run(config: Config, out: Path, clock: Clock) -> dict[str, Any]:
    """Plans every model of --models on --target; writes plan.jsonl and plan.html under `out`."""
    target = targets.read_target(config.target)
    with clock.phase("load"):
        missing = programs.compile_cached(Probe(target.name)).error
        if missing:
            raise InputError(missing.partition("InputError: ")[2] or missing)
        every = [work.of_model(name, config) for name in config.models]
    with clock.phase("compile"), ThreadPoolExecutor(threads.cores()) as pool:
        plans = list(pool.map(lambda one: plan_of(one, target, config), every))
    rows = [row for plan in plans for row in rows_of(plan)]
    files.write_text(out / "plan.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    body = [[form.format(summary(plan)[key]) for key, _, form in COLUMNS] for plan in plans]
    files.write_text(out / "plan.html", page.render(target, [head for _, head, _ in COLUMNS], body, rows))
    print(table(plans))
    return {"rows": len(rows), "plans": [summary(plan) for plan in plans], "report": "plan.html"}


def plan_of(one: Work, target: Target, config: Config) -> Plan:
    """The plan of one model; InputError where it does not fit."""
    layers = one.config.num_layers + 1 if config.layers == "all" else 1
    choice = choose.settings(
        one, target, model_parallel=config.model_parallel, batch_tokens=config.batch_tokens, layers=layers
    )
    sizes = max(1, len(config.seed_sizes))
    ranking = programs.compile_cached(ranking_of(one, target, config))
    if ranking.error:
        raise InputError(f"Expected the ranking of {one.model} to compile for {target.name}, got: {ranking.error}.")
    fits = sum(sizes if setting in ("after", "null") else 1 for setting in config.settings)
    tokens = choice.batch_tokens * target.number // choice.model_parallel
    stages = (
        bounds.extraction(one, target, tokens, layers),
        bounds.alignment(one, target, fits * layers * len(config.embeddings), len(config.retrieval)),
    )
    disk = one.texts * layers * one.config.width * 4
    return Plan(one, target, choice, ranking, stages, disk)


def ranking_of(one: Work, target: Target, config: Config) -> Ranking:
    """The largest ranking program of the run: the ceiling and its nulls, whose maps are fitted on every concept."""
    whole = {"ceiling", "ceiling_null"} & set(config.settings)
    seeds = one.concepts if whole else one.seeds
    fields: Any = (
        target.name, one.languages, one.concepts, seeds, one.config.width, max(1, len(whole)), config.retrieval[0],
        config.completion, config.precision, int(config.memory_budget * 2**30),
    )  # fmt: skip
    return Ranking(*fields)


def summary(plan: Plan) -> dict[str, Any]:
    """The figures of one plan under plain names."""
    compiled = plan.choice.compiled
    seconds = sum(stage.seconds for stage in plan.stages)
    return {
        "model": plan.work.model,
        "target": plan.target.name,
        "device_memory_gb": plan.target.device.memory_bytes / 1e9,
        "model_parallel": plan.choice.model_parallel,
        "batch_tokens": plan.choice.batch_tokens,
        "weights_gb": plan.choice.weight_bytes / 1e9,
        "arguments_gb": compiled.argument_bytes / 1e9,
        "temporaries_gb": compiled.temporary_bytes / 1e9,
        "outputs_gb": compiled.output_bytes / 1e9,
        "ranking_gb": plan.ranking.bytes / 1e9,
        "compile_seconds": compiled.compile_seconds + plan.ranking.compile_seconds,
        "concepts": plan.work.concepts,
        "texts": plan.work.texts,
        "tokens_given": plan.work.tokens_given,
        "tokens_computed": plan.work.tokens_computed,
        "petaflops": sum(stage.flops for stage in plan.stages) / 1e15,
        "least_seconds": seconds,
        "least_device_hours": seconds * plan.target.number / 3600,
        "disk_gb": plan.disk_bytes / 1e9,
        "estimates": list(plan.work.estimates),
    }


def rows_of(plan: Plan) -> list[dict[str, Any]]:
    """One row per stage, each with the whole summary."""
    return [{**summary(plan), **stage._asdict(), "stage_seconds": stage.seconds} for stage in plan.stages]


COLUMNS = (
    ("model", "model", "{}"),
    ("model_parallel", "devices per copy", "{}"),
    ("batch_tokens", "batch tokens", "{:,}"),
    ("weights_gb", "weights GB", "{:.1f}"),
    ("temporaries_gb", "temporaries GB", "{:.2f}"),
    ("outputs_gb", "outputs GB", "{:.2f}"),
    ("ranking_gb", "ranking GB", "{:.2f}"),
    ("tokens_computed", "tokens", "{:,}"),
    ("petaflops", "PFLOP", "{:.2f}"),
    ("least_seconds", "at least s", "{:.1f}"),
    ("disk_gb", "disk GB", "{:.2f}"),
    ("compile_seconds", "compile s", "{:.0f}"),
)


def table(plans: list[Plan]) -> str:
    """The plans as text: memory per device, time as the least that the published peaks allow."""
    heads = [head for _, head, _ in COLUMNS]
    lines = [[form.format(summary(plan)[key]) for key, _, form in COLUMNS] for plan in plans]
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    shown = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in [heads, *lines]]
    device = plans[0].target.device
    title = f"{plans[0].target.name}: {plans[0].target.number} x {device.memory_bytes / 1e9:.0f} GB ({device.source})"
    notes = sorted({f"estimate: {note}" for plan in plans for note in plan.work.estimates})
    bound = "Seconds are bounds by the published peaks, not promises; memory is per device, by the compiler."
    return "\n".join([title, *shown, bound, *notes])
