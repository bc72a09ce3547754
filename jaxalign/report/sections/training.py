"""Checkpoints of one training compared: P@1 of every layer against the step, next to the shuffled dictionary."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from jaxalign.report.cells import measured
from jaxalign.report.drawing.panels import Panel, by_layer
from jaxalign.report.drawing.svg import About, Picture
from jaxalign.report.names import setting_name
from jaxalign.report.results import Results, Series, name_of, short_model
from jaxalign.report.sections.section import DRAWN, Section
from jaxalign.report.tables import Table

NULLS = {"before": "null", "after": "null", "ceiling": "ceiling_null"}
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_STEP = re.compile(r"(?:global[-_]?)?(?:step|checkpoint|ckpt|iter)s?[-_]?(\d+)(k?)(?![a-z0-9])", re.IGNORECASE)
_TOKENS = re.compile(
    r"tokens?[-_]?(\d+(?:\.\d+)?)([kmbt]?)(?![a-z0-9])|(?<![a-z0-9.])(\d+(?:\.\d+)?)([kmbt]?)[-_]?tokens?(?![a-z0-9])",
    re.IGNORECASE,
)


class Moment(NamedTuple):
    """Where in which training a checkpoint stands."""

    training: str  # the name of the model without step and tokens
    unit: str  # "step" or "tokens"
    at: float


Checkpoints = dict[float, list[Series]]  # step or tokens -> series of all layers


def moment(model: str) -> Moment | None:
    """Returns the training and the step of a name such as `org/name@step1000` or `runs/checkpoint-500`, or None.

    Read are the revision after "@", or the last part of a path: step1000, global_step1000, checkpoint-500, ckpt_100,
    iter-20k; and where no step is named tokens4B, 100B-tokens. A step beside tokens (step150-tokens1B) is the axis.
    """
    base, mark, last = model.rstrip("/").rpartition("@")
    if not mark:
        base, mark, last = model.rstrip("/").rpartition("/")
    step, tokens = _STEP.search(last), _TOKENS.search(last)
    found = step or tokens
    if found is None:
        return None
    number, factor = [part for part in found.groups() if part is not None]
    rest = _TOKENS.sub("", _STEP.sub("", last)).strip("-_. ")
    training = base + (mark + rest if rest else "")
    return Moment(training, "step" if step else "tokens", float(number) * _FACTORS[factor.lower()])


def trainings(results: Results) -> dict[tuple[Series, str], Checkpoints]:
    """(series with the training as its model and layer 0, unit) -> its three or more checkpoints, rising."""
    found: dict[tuple[Series, str], Checkpoints] = {}
    for series in results.series():
        if made := moment(series.model):
            key = (series._replace(model=made.training, layer=0), made.unit)
            found.setdefault(key, {}).setdefault(made.at, []).append(series)
    return {key: dict(sorted(points.items())) for key, points in found.items() if len(points) > 2}


def earlier(models: Iterable[str]) -> set[str]:
    """The models that are a checkpoint of a training of which a later one is there too."""
    last: dict[tuple[str, str], float] = {}
    made = {model: found for model in models if (found := moment(model))}
    for found in made.values():
        key = (found.training, found.unit)
        last[key] = max(found.at, last.get(key, found.at))
    return {model for model, found in made.items() if found.at < last[found.training, found.unit]}


def training(results: Results, among: list[Series]) -> Section | None:
    """P@1 by step of training, a curve per layer, in every setting; one figure for each way to embed."""
    found = trainings(results)
    shown = [(key, points) for key, points in found.items() if key[0].retrieval == among[0].retrieval]
    bases = [base for base, _ in found]
    pictures = []
    for place, ((base, unit), points) in enumerate(shown[: 2 * DRAWN]):
        if picture := _picture(results, base, unit, points, name_of(base, bases), place):
            pictures.append(picture)
    if not pictures:
        return None
    body = [
        [name_of(base, bases), int(at), series.layer, setting_name(setting), measured(row, with_interval=True)]
        for (base, _), points in found.items()
        for at, some in points.items()
        for series in sorted(some, key=lambda series: series.layer)
        for setting in dict.fromkeys((*NULLS, *NULLS.values()))
        if (row := results.mean(series, setting))
    ]
    hidden = f" {len(shown) - 2 * DRAWN} more in the table." if len(shown) > 2 * DRAWN else ""
    names = ", ".join(dict.fromkeys(short_model(base.model) for (base, _), _ in shown))
    text = f"Checkpoints of {names}. A map fitted on fewer concepts than a vector has features needs its null.{hidden}"
    table = Table("P@1 by step, percent", ["series", "step or tokens", "layer", "setting", "P@1"], body)
    return Section("training", "Steps of training", text, tuple(pictures), (), (table,))


def _picture(results: Results, base: Series, unit: str, points: Checkpoints, name: str, place: int) -> Picture | None:
    panels = []
    for setting, null in NULLS.items():
        curves = _curves(results, points, setting)
        if curves:
            panels.append(Panel(setting_name(setting), curves, _curves(results, points, null)))
    if not panels:
        return None
    caption = (
        f"{name}: P@1 by {unit} of training, mean of all pairs, 95 % intervals, a curve for each layer. Dashed: the "
        "same with a shuffled dictionary."
    )
    about = About(f"training-{place}" if place else "training", caption, f"{name}, by {unit} of training")
    return by_layer(panels, about, unit)


def _curves(results: Results, points: Checkpoints, setting: str) -> dict[int, list[tuple[float, dict]]]:
    curves: dict[int, list[tuple[float, dict]]] = {}
    for at, some in points.items():
        for series in sorted(some, key=lambda series: series.layer):
            if row := results.mean(series, setting):
                curves.setdefault(series.layer, []).append((at, row))
    return curves
