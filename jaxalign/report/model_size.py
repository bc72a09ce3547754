"""Models compared: score against size, for all pairs and by group of languages."""

import re
from collections.abc import Mapping

from jaxalign.report import figures, tables
from jaxalign.report.study_sections import SHOWN, Section
from jaxalign.report.tables import Results, Series, Table, name_of, percent

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
    name = tables.short_model(model).lower().removesuffix(RANDOM)
    if name in _SIZES:
        return _SIZES[name]
    found = re.search(r"(?<![a-z0-9])(\d+)(?:\.(\d+))?b(\d*)(?![a-z0-9])", name)
    if found:
        return float(f"{found[1]}.{found[2] or found[3] or 0}")
    found = re.search(r"(?<![a-z0-9])(\d+)m(?![a-z0-9])", name)
    if found:
        return int(found[1]) / 1000
    return known[model] / 1e9 if known and model in known else None


def sizes(results: Results, among: list[Series]) -> Section | None:
    """P@1 after alignment by model size: all pairs, and pairs into the hub by script; each language in the table."""
    models = list(dict.fromkeys(one.model for one in among))
    if len(models) < 2:
        return None
    others = [code for code in results.languages if code != results.hub]
    groups = {
        "Latin script": [code for code in others if code not in _OTHER_SCRIPTS],
        "other scripts": [code for code in others if code in _OTHER_SCRIPTS],
    }
    body: list[list] = []
    overall: dict[str, list] = {}
    by_group: dict[str, list] = {}
    for one in among:
        mean = results.mean(one, "after") or results.mean(one, "before")
        if mean is None:
            continue
        size, pairs = parameters(one.model, results.parameters), results.pairs(one, mean["setting"])
        found = {name: _group(pairs, codes, results.hub) for name, codes in groups.items()}
        each = [_group(pairs, [code], results.hub) for code in others]
        body.append([name_of(one, among), size, percent(mean["value"]), *found.values(), *each])
        if size:
            kind = name_of(one._replace(model="", layer=0), [s._replace(model="", layer=0) for s in among])
            kind += " random weights" if one.model.endswith(RANDOM) else ""
            overall.setdefault(kind, []).append((size, mean))
            for name, value in found.items():
                if value is not None:
                    by_group.setdefault(f"{kind}, {name}", []).append((size, dict(value=value / 100)))
    drawn = []
    drawings = (("sizes", overall, "mean of all pairs"), ("sizes-groups", by_group, f"into {results.hub}"))
    for name, curves, what in drawings:
        shown = {label: sorted(points, key=lambda p: p[0]) for label, points in list(curves.items())[: 2 * SHOWN]}
        if shown:
            caption = f"P@1 after alignment by model size, {what}."
            scale = "log" if len({x for points in shown.values() for x, _ in points}) > 1 else "linear"
            what, label = f"by model size, {what}", "billions of parameters"
            drawn.append(figures.lines(shown, name, caption, what, label, xscale=scale))
    header = ["series", "billion parameters", "all pairs"]
    header += [f"{name} to {results.hub}" for name in groups] + [f"{code}-{results.hub}" for code in others]
    return Section("sizes", "Models compared", "", tuple(drawn), (Table("P@1 after alignment, percent", header, body),))


def _group(pairs: dict, codes: list[str], hub: str) -> float | None:
    found = [pairs[code, hub]["value"] for code in codes if (code, hub) in pairs]
    return percent(sum(found) / len(found)) if found else None
