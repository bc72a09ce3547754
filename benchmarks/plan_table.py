"""The plans of the paper's ten models, as the tables of docs/accelerators.md.

    python benchmarks/plan_table.py --targets=v5e-8,v6e-8     (with the extra tpu)
    python benchmarks/plan_table.py --targets=h100            (with the extra cuda13)
    python benchmarks/plan_table.py                           (writes the tables from the plans that are there)

Every flagfile of benchmarks/paper is planned as `--suite=plan` plans it, each distinct program once. The plans are kept
in benchmarks/results/plan.jsonl, those of other targets as they were; the tables stand between two marks in the page.
"""

import argparse
import json
import os
import re
import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ROWS, PAGE = ROOT / "benchmarks/results/plan.jsonl", ROOT / "docs/accelerators.md"
FLAGFILES = sorted(path for path in (ROOT / "benchmarks/paper").glob("*.flags") if path.stem not in ("all", "common"))
MARKS = "<!-- {}: made by benchmarks/plan_table.py -->", "<!-- end -->"


class Named(NamedTuple):
    """One flagfile on one target, with the work of its model."""

    flagfile: Path
    target: str
    config: Any
    work: Any


def ask(flagfile: Path, target: str) -> Named:
    """Texts and tokens of one flagfile."""
    from jaxalign.bench import config_from
    from jaxalign.experiment.plan import work

    config = config_from(["jaxalign", f"--flagfile={flagfile}", "--suite=plan", f"--target={target}"])
    return Named(flagfile, target, config, work.of_model(config.models[0], config))


def row(named: Named, made: Any) -> dict[str, Any]:
    """The plan of one flagfile on one target, or why there is none, under plain names."""
    from jaxalign.experiment.plan import suite

    head = {"flagfile": named.flagfile.name, "target": named.target, "model": named.work.model}
    if not isinstance(made, suite.Plan):
        return head | {"refused": str(made)}
    return suite.summary(made) | head | {"stages": {stage.stage: stage._asdict() for stage in made.stages}}


def read() -> list[dict[str, Any]]:
    """The plans that are there."""
    return [json.loads(line) for line in ROWS.read_text("utf-8").splitlines()] if ROWS.exists() else []


def plan_all(names: Sequence[str]) -> list[dict[str, Any]]:
    """Plans of all flagfiles for these targets, with the seconds that all of them took together."""
    from jaxalign.experiment.plan import suite
    from jaxalign.runtime.targets import read_target

    start = time.perf_counter()
    asked = [ask(flagfile, target) for target in names for flagfile in FLAGFILES]
    plans = suite.plans_of([suite.Asked(one.work, read_target(one.target), one.config) for one in asked])
    rows = [row(named, made) for named, made in zip(asked, plans, strict=True)]
    seconds = time.perf_counter() - start
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    used = sum(one.ru_utime + one.ru_stime for one in spent)
    print(f"{len(rows)} plans in {seconds:.0f} s, {used:.0f} processor seconds, on {os.cpu_count()} cores")
    return rows


COLUMNS = (
    ("devices per copy", "model_parallel", "{}"),
    ("batch tokens", "batch_tokens", "{:,}"),
    ("weights, GB", "weights_gb", "{:.1f}"),
    ("temporaries, GB", "temporaries_gb", "{:.2f}"),
    ("rankings, GB", "ranking_gb", "{:.2f}"),
    ("PFLOP", "petaflops", "{:.2f}"),
    ("at least, s", "least_seconds", "{:.2f}"),
    ("device hours", "least_device_hours", "{:.4f}"),
    ("spaces, GB", "disk_gb", "{:.2f}"),
    ("compilers, s", "compile_seconds", "{:.0f}"),
)


def plans_table(rows: Sequence[dict[str, Any]]) -> str:
    """One Markdown table per target."""
    parts = []
    for target in dict.fromkeys(row["target"] for row in rows):
        own = [row for row in rows if row["target"] == target]
        lines = [_line(["model", *(head for head, _, _ in COLUMNS)]), _line(["---"] * (1 + len(COLUMNS)))]
        for row in own:
            if "refused" not in row:
                lines.append(_line([row["model"], *(form.format(row[key]) for _, key, form in COLUMNS)]))
        refused = [f"- {row['refused']}" for row in own if "refused" in row]
        parts.append("\n".join([f"**{target}**", "", *lines, *([""] if refused else []), *refused]))
    return "\n\n".join(parts)


def targets_table() -> str:
    """The devices that `--target` knows, as a Markdown table."""
    from jaxalign.runtime.targets import DEVICES, counts_of

    lines = [_line(["--target", "numbers of devices", "source"]), _line(["---"] * 3)]
    for device in DEVICES:
        counts = ", ".join(map(str, counts_of(device)))
        lines.append(_line([f"`{device.name}`", counts, device.source]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def filled(page: str, name: str, text: str) -> str:
    """The page with `text` between the marks of `name`."""
    begin, end = MARKS[0].format(name), MARKS[1]
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    assert pattern.search(page), f"{PAGE} has no mark {begin}"
    return pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", page)


def main() -> None:
    """Plans the targets that are asked for, then writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--targets", default="", help="comma list, such as v5e-8,v6e-8")
    names = [name for name in parser.parse_args().targets.split(",") if name]
    made = plan_all(names) if names else []  # takes minutes: what stands in the file is read after it
    rows = [row for row in read() if row["target"] not in names] + made
    if names:
        ROWS.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    page = filled(PAGE.read_text("utf-8"), "plans", plans_table(rows))
    PAGE.write_text(filled(page, "targets", targets_table()), "utf-8")


if __name__ == "__main__":
    main()
