"""The best of several layers or series, never without what the choice alone gives."""

from collections.abc import Mapping
from typing import NamedTuple

from jaxalign.report import names
from jaxalign.report.cells import PValue, measured, measured_or_none
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, Results, Series
from jaxalign.report.tables import Table

SETTINGS = ("after", "shrunken", "before", "gpa")
_SHUFFLED = {"after": "null", "shrunken": "shrunken_null"}


class BestLayer(NamedTuple):
    """The rows of the metrics `best_layer` and so on, mean over all pairs."""

    series: Series  # at the layer that was chosen
    setting: str
    layers: int
    alike: int  # layers, itself included, that cannot be told from it
    value: Mapping
    null: Mapping
    held_out: Mapping
    p: float
    shuffled: Mapping | None  # the same of the map of a shuffled dictionary


def of_layers(results: Results, some: list[Series], setting: str) -> BestLayer | None:
    """The best of the layers `some` of one series; None where the run has no such rows (--bootstrap=0, joined rows)."""
    for series in some:
        found = {
            name: results.pairs(series, setting, metric=f"best_layer{name}").get((MEAN, MEAN))
            for name in ("", "_null", "_held_out", "_p", "_alike")
        }
        value, null, held_out, p, alike = found.values()
        if value and null and held_out and p and alike:
            by_chance = _SHUFFLED.get(setting, "")
            shuffled = [results.pairs(other, by_chance, metric="best_layer").get((MEAN, MEAN)) for other in some]
            return BestLayer(
                series, setting, alike["count"], round(alike["value"]), value, null, held_out, p["value"],
                next((row for row in shuffled if row), None),
            )  # fmt: skip
    return None


def sentence(best: BestLayer, last: int) -> str:
    """The best layer in words: value, null, p, and what is left on concepts that did not choose it."""
    place = " (the last)" if best.series.layer == last else f" of {last}"
    same = f"; {best.alike - 1} others cannot be told from it" if best.alike > 2 else ""
    same = "; one other cannot be told from it" if best.alike == 2 else same
    shuffled = f", with shuffled dictionaries {names.share(dict(best.shuffled))}" if best.shuffled else ""
    return (
        f"The best of {best.layers} layers is {best.series.layer}{place} with {names.share(dict(best.value))}, an "
        f"interval that allows for the choice{same}. With the right answers shuffled, in the same way in all "
        f"layers, the best layer has {names.share(dict(best.null))}{shuffled} ({names.p_value(best.p)}). "
        f"Chosen on one half of the test concepts and scored on the other, the best layer has "
        f"{names.share(dict(best.held_out))}."
    )


def corrected(results: Results, series: Series, setting: str, choices: int) -> str:
    """`p <= .004 against chance, corrected for the choice among 4`, by Bonferroni; "" where there was no test.

    The bound holds for the best of `choices` series or layers, whatever their correlation.
    """
    row = results.pairs(series, setting, metric="P@1_p").get((MEAN, MEAN))
    if row is None:
        return ""
    p = min(1.0, choices * row["value"])
    return f"{names.p_value(p, choices * 0.001)} against chance, corrected for the choice among {choices}"


def table(results: Results, deep: Mapping[str, list[Series]]) -> Table | None:
    """The best layer of every series and setting with its null; `deep` holds the layers of each series by its name."""
    body = []
    for name, some in deep.items():
        for setting in SETTINGS:
            if best := of_layers(results, some, setting):
                value, null, held_out = (
                    measured(row, with_interval=True) for row in (best.value, best.null, best.held_out)
                )
                shuffled = measured_or_none(best.shuffled, with_interval=True)
                numbers = [value, held_out, null, PValue(best.p), shuffled]
                alike = f"{best.alike} of {best.layers}"
                body.append([name, setting_name(setting), best.series.layer, *numbers, alike])
    if not body:
        return None
    header = [
        "series",
        "setting",
        "best layer",
        "P@1",
        "held out",
        "shuffled answers",
        "p",
        "shuffled dictionary",
        "alike",
    ]
    note = (
        "P@1 of the best layer with an interval that holds for all layers at once; held out: chosen on one half of the "
        "test concepts, scored on the other; shuffled answers: the best layer where the right answers are permuted, "
        "one permutation for all layers (mean and middle 95 %), with its p; shuffled dictionary: the best layer of the "
        "map of a shuffled dictionary; alike: layers that cannot be told from the best, itself included. First split."
    )
    return Table("The best layer: P@1 in percent, mean of all pairs", header, body, note)
