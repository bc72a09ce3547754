"""The page of `--suite=plan`: one table of models, one of their stages."""

from collections.abc import Mapping, Sequence
from typing import Any

import jinja2


def render(
    target: Any,
    heads: Sequence[str],
    body: Sequence[Sequence[str]],
    stages: Sequence[Mapping],
    refused: Sequence[str] = (),
) -> str:
    """One self-contained HTML page without scripts.

    target: a `runtime.targets.Target`; heads, body: the table of models as text; stages: one mapping per model and
    stage with `model`, `stage`, `flops`, `bytes_moved`, `compute_seconds`, `memory_seconds` and `estimates`;
    refused: a sentence for each model that does not fit.
    """
    loader = jinja2.PackageLoader("jaxalign.report.page", "templates")
    engine = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    notes = sorted({note for stage in stages for note in stage["estimates"]})
    template = engine.get_template("plan.html.j2")
    return template.render(target=target, heads=heads, body=body, stages=stages, notes=notes, refused=refused)
