"""Verdicts as text for the screen, as Markdown and as JSON."""

from collections.abc import Sequence

from jaxalign.metrics.comparisons.contrast import Contrast
from jaxalign.report import tables
from jaxalign.report.claims.verdicts import Confound, Verdict
from jaxalign.report.tables import Table

_EACH = "Each model and embedding alone"
_HEADER = ("claim", "verdict", "left", "right", "difference", "margin", "p", "null", "moved by")


def table(verdicts: Sequence[Verdict], title: str = "Claims") -> Table:
    """One line per claim; scores in percent, differences in points with their 95 % intervals."""
    note = (
        "Difference: left less right, 95 % interval over concepts; a claim holds if all of it lies above the margin. "
        "Null: the same with the map of a shuffled dictionary, or (r) the middle 95 % where concepts are exchangeable. "
        "Moved by: what changes the verdict, or surely the difference, when it is taken away."
    )
    return Table(title, _HEADER, [_line(verdict) for verdict in verdicts], note)


def text(verdicts: Sequence[Verdict], each: Sequence[Verdict] = ()) -> str:
    """The table, below it each claim with its reason or its confounds, and the table of each model and embedding."""
    lines = [tables.text(table(verdicts)), "", table(verdicts).note]
    for verdict in verdicts:
        lines += ["", f"{verdict.claim.name}: {verdict.verdict}. {verdict.claim.text}"]
        lines += [f"  {line}" for line in _details(verdict)]
    if each:
        lines += ["", tables.text(table(each, _EACH)), *_reasons(each)]
    return "\n".join(lines)


def markdown(verdicts: Sequence[Verdict], each: Sequence[Verdict] = ()) -> str:
    """The same in GitHub's Markdown."""
    parts = [tables.markdown(table(verdicts))]
    for verdict in verdicts:
        parts.append(f"**{verdict.claim.name}: {verdict.verdict}.** {verdict.claim.text}\n")
        if details := _details(verdict):
            parts.append("".join(f"- {line}\n" for line in details))
    if each:
        parts.append(tables.markdown(table(each, _EACH)._replace(note="")))
        parts.append("".join(f"- {line}\n" for line in _reasons(each)))
    return "\n".join(parts).rstrip() + "\n"


def _details(verdict: Verdict) -> list[str]:
    reason = [verdict.reason] if verdict.reason else []
    left_out = [f"without a model: {why}" for why in verdict.left_out]
    return reason + left_out + [_confound(confound) for confound in verdict.confounds]


def _reasons(verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{verdict.claim.name}: {verdict.reason}" for verdict in verdicts if verdict.reason]


def record(verdict: Verdict) -> dict:
    """A verdict as JSON; fractions."""
    claim, found = verdict.claim, verdict.found
    made: dict[str, object] = {"claim": claim.name, "text": claim.text, "source": claim.source}
    made |= {"verdict": verdict.verdict, "reason": verdict.reason, "left_out": list(verdict.left_out)}
    made |= {"margin": claim.margin, "metric": claim.left.metric}
    if found is None:
        return made
    sides = {"left": verdict.left, "right": verdict.right}
    null = _numbers(verdict.null) if verdict.null else None
    confounds = [
        {"name": one.name, "verdict": one.verdict, "moves": one.moves, **_numbers(one.found)}
        | {"change_low": one.change_low, "change_high": one.change_high}
        for one in verdict.confounds
    ]
    exchanged = {"exchangeable_low": found.null_low, "exchangeable_high": found.null_high}
    return made | sides | _numbers(found) | exchanged | {"null": null, "confounds": confounds}


def _numbers(found: Contrast) -> dict[str, float]:
    return {"value": found.value, "low": found.low, "high": found.high, "p": found.p, "concepts": found.queries}


def _line(verdict: Verdict) -> list[object]:
    found = verdict.found
    if found is None:
        return [verdict.claim.name, verdict.verdict, *[None] * (len(_HEADER) - 2)]
    if verdict.null:
        null = _interval(verdict.null.value, verdict.null.low, verdict.null.high)
    else:
        null = f"{100 * found.null_low:+.1f} to {100 * found.null_high:+.1f} (r)"
    moved = ", ".join(one.name for one in verdict.confounds if one.moves) or "none"
    means = [round(100 * mean, 1) for mean in (verdict.left, verdict.right)]
    difference = _interval(found.value, found.low, found.high)
    return [
        verdict.claim.name, verdict.verdict, *means, difference, round(100 * verdict.claim.margin, 1), f"{found.p:.4f}",
        null, moved,
    ]  # fmt: skip


def _confound(one: Confound) -> str:
    moves = "moves it" if one.moves else "does not move it"
    return f"{one.name}: {_interval(one.found.value, one.found.low, one.found.high)}, {one.verdict}; {moves}"


def _interval(value: float, low: float, high: float) -> str:
    return f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
