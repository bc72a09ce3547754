"""Short lines for the screen: what was found in a space as soon as it is done, and where the time of a run went."""

from collections.abc import Mapping, Sequence

from jaxalign.report import names
from jaxalign.report.results import MEAN, short_model

_SHOWN = ("after", "shrunken", "before", "gpa", "null")  # in this order
_LEAST = 0.005  # share of the time from which a stage is named


def found(rows: Sequence[Mapping]) -> str:
    """`demo, bare word, last, layer 4, CSLS: fitted map 44.5 % (41.3-47.7), no map 6.5 % (5.4-7.7), ...`.

    The means over all pairs of the first retrieval of one space, largest seed dictionary; "" where there is none.
    """
    means = [
        row for row in rows
        if row["source"] == row["target"] == MEAN and row["metric"] == "P@1" and row["subset"] == "all"
    ]  # fmt: skip
    chosen: dict[str, Mapping] = {}
    for row in means:
        known = chosen.get(row["setting"])
        if row["retrieval"] == means[0]["retrieval"] and (known is None or row["seed_size"] > known["seed_size"]):
            chosen[row["setting"]] = row
    parts = [f"{names.setting_name(name)} {names.share(dict(chosen[name]))}" for name in _SHOWN if name in chosen]
    if not parts:
        return ""
    layer = f", layer {means[0]['layer']}" if means[0]["layer"] else ""
    return f"{_series(means[0], layer)}: {', '.join(parts)}"


def best_layers(rows: Sequence[Mapping]) -> list[str]:
    """`demo, bare word, last, CSLS: best of 5 layers with fitted map: 3 with 44.5 % (41.0-48.0), ...`, one per series.

    Each with the null of the choice, its p-value, and the value where other concepts chose the layer.
    """
    found: dict[tuple[object, ...], dict[str, Mapping]] = {}
    for row in rows:
        place = (row["model"], row["embedding"], row["pooling"], row["retrieval"], row["setting"])
        found.setdefault(place, {})[row["metric"]] = row
    lines = []
    for (*_, setting), by_metric in found.items():
        if "best_layer_p" in by_metric:
            row, null, held_out = (dict(by_metric[f"best_layer{name}"]) for name in ("", "_null", "_held_out"))
            count, p = by_metric["best_layer_alike"]["count"], by_metric["best_layer_p"]["value"]
            what = f"best of {count} layers with {names.setting_name(str(setting))}"
            lines.append(
                f"{_series(row)}: {what}: {row['layer']} with {names.share(row)}, shuffled answers "
                f"{names.share(null)} ({names.p_value(p)}), chosen on other concepts {names.share(held_out)}"
            )
    return lines


def _series(row: Mapping, layer: str = "") -> str:
    pooling = "" if row["pooling"] == "none" else f", {row['pooling']}"
    retrieval = names.RETRIEVAL_NAMES.get(row["retrieval"], row["retrieval"])
    return f"{short_model(row['model'])}, {names.embedding_name(row['embedding'])}{pooling}{layer}, {retrieval}"


def times(rows: Sequence[Mapping]) -> str:
    """`time: 32 s: align 12.8 s (40 %), report 7.9 s (24 %), ...`: stages of the clock, the longest first."""
    total = next((row["seconds"] for row in rows if row["phase"] == "total"), 0.0)
    stages = sorted((row for row in rows if row["phase"] != "total"), key=lambda row: -row["seconds"])
    parts = [
        f"{row['phase']} {_seconds(row['seconds'])} ({100 * row['share']:.0f} %)"
        for row in stages
        if row["share"] >= _LEAST
    ]
    return f"time: {_seconds(total)}" + (f": {', '.join(parts)}" if parts else "")


def _seconds(seconds: float) -> str:
    if seconds >= 90:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"
    return f"{seconds:.0f} s" if seconds >= 20 else f"{seconds:.1f} s"
