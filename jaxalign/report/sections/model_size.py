"""Models compared: score against size, for all pairs and by group of languages."""

import re
from collections.abc import Mapping

from jaxalign.report.cells import Percent, measured
from jaxalign.report.drawing import figures
from jaxalign.report.drawing.figures import Point
from jaxalign.report.drawing.svg import About
from jaxalign.report.results import Results, Series, name_of, short_model
from jaxalign.report.sections import model_groups, training
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table

RANDOM = " (random weights)"  # ends the name of a model that is a control of itself
# Billions of parameters where a name does not tell; facts of the model cards.
_SIZES = {"mt0-small": 0.3, "mt0-base": 0.58, "mt0-large": 1.2, "mt0-xl": 3.7, "mt0-xxl": 13.0, "aya-101": 13.0}
_OTHER_SCRIPTS = set(
    "am ar as be bg bn el fa gu he hi hy ja ka km kn ko lo mk ml mr my ne or pa ru si sr ta te th uk ur zh".split()
)


def parameters(model: str, known: Mapping[str, int] | None = None) -> float | None:
    """Billions of parameters: as the model's card says, read off a name like 7b, 1b7 or 560m, or as counted.

    The count is that of the part that was loaded (of an encoder-decoder the encoder), so a name that tells comes first.
    """
    name = short_model(model).lower().removesuffix(RANDOM)
    if name in _SIZES:
        return _SIZES[name]
    billions = re.search(r"(?<![a-z0-9])(\d+)(?:\.(\d+))?b(\d*)(?![a-z0-9])", name)
    if billions:
        return float(f"{billions[1]}.{billions[2] or billions[3] or 0}")
    millions = re.search(r"(?<![a-z0-9])(\d+)m(?![a-z0-9])", name)
    if millions:
        return int(millions[1]) / 1000
    return known[model] / 1e9 if known and model in known else None


def family(model: str) -> str:
    """The name of a model without its size, which models of one family share: `bloomz-1b7` and `bloomz-7b1`."""
    name = short_model(model).lower().removesuffix(RANDOM)
    name = re.sub(r"(?<![a-z0-9])\d+(?:\.\d+)?[bm]\d*(?![a-z0-9])", "", name)
    name = re.sub(r"(?<![a-z])(small|base|large|xl|xxl)(?![a-z])", "", name)
    return re.sub(r"[-_. ]+", "-", name).strip("-") or short_model(model).lower()


def sizes(results: Results, among: list[Series]) -> Section | None:
    """P@1 after alignment by model size: all pairs, and pairs into the hub by script; each language in the table."""
    if len({series.model for series in among}) < 2:
        return None
    hub, others = results.hub, [code for code in results.languages if code != results.hub]
    groups = {
        "Latin script": [code for code in others if code not in _OTHER_SCRIPTS],
        "other scripts": [code for code in others if code in _OTHER_SCRIPTS],
    }
    body: list[list] = []
    points: list[Point] = []
    shown, earlier = _kind(among[0]), training.earlier(series.model for series in among)
    alike, places = model_groups.groups(results, among), model_groups.places(results, among)
    for series in among:
        mean = results.mean(series, "after") or results.mean(series, "before")
        if mean is None:
            continue
        size, pairs = parameters(series.model, results.parameters), results.pairs(series, mean["setting"])
        plain_size = int(size) if size and size == int(size) else size
        by_group = [_into_hub(pairs, codes, hub) for codes in (*groups.values(), *([code] for code in others))]
        value = measured(mean, with_interval=True)
        ranks = [alike.get(series), str(places.get(series, ""))]
        body.append([name_of(series, among), family(series.model), plain_size, value, *ranks, *by_group])
        if size and _kind(series) == shown and series.model not in earlier:
            points.append(Point(short_model(series.model), size, mean, family(series.model)))
    pictures = []
    if points and not (earlier and len(points) == 1):
        caption = (
            "P@1 after alignment by model size, mean of all pairs, 95 % intervals; lines join models of one family. "
            f"{name_of(among[0]._replace(model='', layer=0), [one._replace(model='', layer=0) for one in among])}."
        )
        about = About("sizes", caption, "by model size, mean of all pairs")
        pictures.append(figures.named_points(points, about, "billions of parameters"))
    header = ["series", "family", "billion parameters", "all pairs", "group", "place"]
    header += [f"{name} to {hub}" for name in groups] + [f"{code}-{hub}" for code in others]
    body.sort(key=lambda line: -line[3])
    note = (
        "Percent with 95 % intervals over concepts. Group: models of one group cannot be told apart on the same "
        "concepts, among series of the same embedding and retrieval, 1 is the best; empty where models were not tested "
        "on the same concepts. Place: with the interval that holds for all models at once. A figure of several "
        "languages has the mean of their intervals, which is wider than its own."
    )
    if not places:
        header, body = _without(header, body, "place")
    table = Table("P@1 after alignment, percent", header, body, note)
    return Section("sizes", "Models compared", "", tuple(pictures), (table,))


def _without(header: list[str], body: list[list], name: str) -> tuple[list[str], list[list]]:
    """A table without the column `name`."""
    at = header.index(name)
    return [*header[:at], *header[at + 1 :]], [[*line[:at], *line[at + 1 :]] for line in body]


def _kind(series: Series) -> Series:
    """What two models must share to stand in one figure."""
    return series._replace(model="", layer=0, pooling="")


def _into_hub(pairs: Mapping, codes: list[str], hub: str) -> Percent | None:
    """The mean of pairs, with the mean of their intervals: at least as wide as the interval of the mean."""
    rows = [pairs[code, hub] for code in codes if (code, hub) in pairs]
    if not rows:
        return None
    known = all(row.get("low") is not None for row in rows)
    columns = ("value", "low", "high") if known else ("value",)
    return measured({column: sum(row[column] for row in rows) / len(rows) for column in columns})
