"""`--suite=plan`: prints a table of what the run needs on `--target`, and writes it as rows and as a page."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.config import Config
from jaxalign.experiment.plan import bounds, children, choose, programs, work
from jaxalign.experiment.plan.bounds import Bound
from jaxalign.experiment.plan.choose import Choice
from jaxalign.experiment.plan.programs import Compiled, Probe, Ranking
from jaxalign.experiment.plan.work import Work
from jaxalign.report.page import plan as page
from jaxalign.runtime import files, targets
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


class Asked(NamedTuple):
    """One model on one target."""

    work: Work
    target: Target
    config: Config


def run(config: Config, out: Path, clock: Clock) -> dict[str, Any]:
    """Plans every model of --models on --target; writes plan.jsonl and plan.html under `out`.

    A model that does not fit is refused with the nearest target that fits it; InputError where no model is left.
    """
    target = targets.read_target(config.target)
    with clock.phase("load"):
        missing = programs.compile_cached(Probe(target.name)).error
        if missing:
            raise InputError(missing.partition("InputError: ")[2] or missing)
        works = [work.of_model(name, config) for name in config.models]
    with clock.phase("compile"):
        answers = plans_of([Asked(one, target, config) for one in works])
    plans = [answer for answer in answers if isinstance(answer, Plan)]
    refused = [str(answer) for answer in answers if isinstance(answer, InputError)]
    if not plans:
        raise InputError(" ".join(refused))
    rows = [row for plan in plans for row in rows_of(plan)]
    files.write_text(out / "plan.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    body = [[form.format(summary(plan)[key]) for key, _, form in COLUMNS] for plan in plans]
    files.write_text(out / "plan.html", page.render(target, [head for _, head, _ in COLUMNS], body, rows, refused))
    print("\n".join([table(plans), *refused]))
    plain = [summary(plan) for plan in plans]
    return {"rows": len(rows), "plans": plain, "refused": refused, "report": "plan.html"}


def plans_of(asked: Sequence[Asked]) -> list[Plan | InputError]:
    """Plans in their order; InputError in the place of one that does not fit. As many programs at once as cores."""
    with ThreadPoolExecutor(max(1, len(asked))) as pool:  # threads that wait for the compilers
        try:
            return list(pool.map(_plan_or_refusal, asked))
        finally:
            children.stop()


def _plan_or_refusal(asked: Asked) -> Plan | InputError:
    try:
        return plan_of(*asked)
    except InputError as error:
        return error


def plan_of(one: Work, target: Target, config: Config) -> Plan:
    """The plan of one model; InputError where it does not fit."""
    choose.shares(one, target, config.model_parallel, config.batch_tokens)  # before anything is compiled
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(programs.compile_cached, ranking_of(one, target))
        choice = choose.settings(one, target, model_parallel=config.model_parallel, batch_tokens=config.batch_tokens)
        ranking = waiting.result()
    if ranking.error:
        raise InputError(f"Expected the ranking of {one.model} to compile for {target.name}, got: {ranking.error}.")
    if ranking.bytes > choose.USABLE * target.device.memory_bytes:
        raise InputError(
            f"Expected rankings that fit {target.name}, got {ranking.bytes / 1e9:,.1f} GB per device for "
            f"{one.concepts:,} concepts. Lower --memory_budget, or take a larger --target."
        )
    copies = target.number // choice.model_parallel
    stages = (
        bounds.extraction(one, target, choice.batch_tokens * copies, copies),
        bounds.alignment(one, target),
    )
    return Plan(one, target, choice, ranking, stages)


def ranking_of(one: Work, target: Target) -> Ranking:
    """The largest ranking program of the run: that of the settings whose maps are fitted on most rows.

    `before` alone has no map; it is compiled as if it had one, fitted on all its concepts.
    """
    rows = max(one.fitted) or one.concepts
    ceilings = one.options.settings.count("ceiling") + one.options.null_draws * ("ceiling_null" in one.options.settings)
    options = one.options
    fields: Any = (
        target.name, one.languages, one.candidates, rows, one.config.width, max(1, ceilings), one.retrievals,
        options.completion, options.precision, options.memory_budget, options.csls_k, options.procrustes,
    )  # fmt: skip
    return Ranking(*fields)


def summary(plan: Plan) -> dict[str, Any]:
    """The figures of one plan under plain names."""
    compiled = plan.choice.compiled
    seconds = sum(stage.seconds for stage in plan.stages)
    return {
        "model": plan.work.model,
        "target": plan.target.name,
        "dtype": plan.work.config.dtype,
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
        "disk_gb": plan.work.disk_bytes / 1e9,
        "estimates": list(plan.work.estimates),
    }


def rows_of(plan: Plan) -> list[dict[str, Any]]:
    """One row per stage, each with the whole summary."""
    return [{**summary(plan), **stage._asdict(), "stage_seconds": stage.seconds} for stage in plan.stages]


COLUMNS = (
    ("model", "model", "{}"),
    ("dtype", "dtype", "{}"),
    ("model_parallel", "devices per copy", "{}"),
    ("batch_tokens", "batch tokens", "{:,}"),
    ("weights_gb", "weights GB", "{:.1f}"),
    ("temporaries_gb", "temporaries GB", "{:.2f}"),
    ("outputs_gb", "outputs GB", "{:.2f}"),
    ("ranking_gb", "ranking GB", "{:.2f}"),
    ("tokens_computed", "tokens", "{:,}"),
    ("petaflops", "PFLOP", "{:.2f}"),
    ("least_seconds", "at least s", "{:.1f}"),
    ("least_device_hours", "device hours", "{:.3f}"),
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
