"""A whole run: its folder, its suite, its last line on stdout."""

import dataclasses
import json
from pathlib import Path

from jaxalign.config import Config
from jaxalign.experiment import alignment_suite
from jaxalign.flag_rules import changed, notes, parse_size, shown
from jaxalign.report import screen
from jaxalign.runtime import bucket, bucket_runs, devices, environment, files, processes, run_folder, targets
from jaxalign.runtime.clock import Clock
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError


def run(config: Config, imported: float = 0.0) -> Path | None:
    """Runs what the config asks for; returns the finished folder of the run, which never holds half-written files.

    With --dry_run an estimate is printed, and the folder is removed again. On several hosts each process computes its
    share of the spaces and ranks; the first one writes the folder, and the others return None. `imported`: seconds that
    the import of libraries took, for the table of times.
    """
    clock, given, in_bucket = Clock(imported), config, bucket.is_url(config.workdir)
    first = devices.prepare(config) == 0
    config = _resolved(config)
    given = dataclasses.replace(given, dtype=config.dtype, precision=config.precision)
    if in_bucket:
        config = dataclasses.replace(config, workdir=str(bucket.make_mirror(config.workdir)))
    if not first:
        if not config.dry_run:
            alignment_suite.compute_share(config, clock)
        processes.barrier("end")
        return None
    suites = {"alignment": alignment_suite.run, "plan": plan_suite, "embed": embed_suite, "kernels": kernels_suite}
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
        if config.dry_run:
            print(json.dumps({"dry_run": True} | alignment_suite.dry_run(config)), flush=True)
            run_folder.discard(folder)
            bucket_runs.release(root, name)
            processes.barrier("end")
            return None
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
    print(f"\n{screen.times(clock.rows())}")
    print(f"report: {bucket.url_of(final / summary['report'])}") if "report" in summary else None
    print(
        json.dumps({"run": bucket.url_of(final), "suite": config.suite, "seconds": round(seconds, 2)} | summary),
        flush=True,
    )
    processes.barrier("end")
    return final


def _resolved(config: Config) -> Config:
    """--dtype and --precision with `auto` resolved for this machine, or for the one that is planned."""
    if config.suite == "plan":
        target = targets.read_target(config.target)
        dtype = targets.resolve_dtype(config.dtype, target)
        precision = targets.resolve_precision(config.precision, target)
    else:
        dtype, precision = devices.resolve_dtype(config.dtype), devices.resolve_precision(config.precision)
    return dataclasses.replace(config, dtype=dtype, precision=precision)


def plan_suite(config: Config, out: Path, clock: Clock) -> dict:
    """What the run needs on --target: memory by the device's own compiler, least time by its published peaks."""
    from jaxalign.experiment.plan import suite

    return suite.run(config, out, clock)


def embed_suite(config: Config, out: Path, clock: Clock) -> dict:
    """Extraction throughput: texts and tokens per second, FLOP/s against the peak of the device."""
    from jaxalign.experiment.throughput import embed, table

    earlier = table.read(config.compare, config.suite) if config.compare else []
    rows = embed.run(config, out, clock)
    return {"rows": rows} | _shown_throughput(rows, earlier, config, out)


def kernels_suite(config: Config, out: Path, clock: Clock) -> dict:
    """Alignment throughput: pairs per second, FLOP/s against the peak of the device."""
    from jaxalign.experiment.throughput import align, table

    earlier = table.read(config.compare, config.suite) if config.compare else []
    languages = 7 if config.languages == ("auto",) else len(config.languages)
    options = align.KernelOptions(
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
    rows = align.run(options, out)
    return {"rows": len(rows), "measured": rows} | _shown_throughput(rows, earlier, config, out)


def _shown_throughput(rows: list[dict], earlier: list[dict], config: Config, out: Path) -> dict:
    """Prints the table of a throughput suite, and the comparison with an earlier run, which it returns."""
    from jaxalign.experiment.throughput import table

    files.write_json(out / "environment.json", environment.environment(dtype=config.dtype))
    print(table.table(rows))
    if not earlier:
        return {}
    compared = table.comparison(rows, earlier)
    print(f"\n{table.comparison_table(compared)}")
    return {"compared": compared}


def flags_text(config: Config) -> str:
    """A flagfile that repeats the run: --seed and the flags that differ from their defaults."""
    values = {option.name: getattr(config, option.name) for option in dataclasses.fields(config)}
    kept = {"seed": config.seed} | changed(config)
    lines = [f"--{name}={shown(value)}" for name, value in values.items() if name in kept and name != "run_name"]
    return "\n".join(lines) + "\n"
