"""P@1 beside random spaces of the same spectra, on the page."""

from jaxalign.report.cells import PValue, measured, measured_or_none
from jaxalign.report.names import setting_name
from jaxalign.report.results import MEAN, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table


def spectrum(results: Results, among: list[Series]) -> Section | None:
    """P@1 of each setting next to rotated axes and to random spaces of the same mean and covariance."""
    body = []
    for series in among:
        for setting in ("before", "after", "ceiling"):
            nulls = [_null(results, series, setting, name) for name in ("P@1_rotated", "P@1_spectrum")]
            row = results.mean(series, setting)
            if row and any(nulls):
                cells = [
                    (measured_or_none(null, with_interval=True), p)
                    for null, p in (one or (None, None) for one in nulls)
                ]
                flat = [cell for pair in cells for cell in pair]
                above = results.pairs(series, setting, metric="P@1_spectrum_p")
                single = [one["value"] for pair, one in above.items() if MEAN not in pair]
                found = f"{sum(p <= 0.05 for p in single)} of {len(single)}"
                body.append(
                    [name_of(series, among), setting_name(setting), measured(row, with_interval=True), *flat, found]
                )
    if not body:
        return None
    text = (
        "Could two unrelated spaces of these spectra score so much? Rotated axes: each language's vectors turned by a "
        "random rotation, which leaves all distances within the language (a fitted map would undo it, so only without "
        "a map). Same spectrum: random vectors with the mean and the covariance of the true ones; the concepts of two "
        "languages have nothing in common. Shown are the mean and the middle 95 % of the draws, p is the place of "
        "the value among the draws. The last column counts the pairs above such spaces (p <= .05). What the leaky "
        "ceiling reaches for unrelated spaces of the same spectrum is the leak."
    )
    header = ["series", "setting", "P@1", "rotated axes", "p", "same spectrum", "p", "pairs above"]
    table = Table("Random spaces of the same spectra: P@1 in percent, mean of all pairs", header, body)
    return Section("spectrum", "Spaces of the same spectra", text, (), (table,))


def _null(results: Results, series: Series, setting: str, metric: str) -> tuple[dict, PValue] | None:
    row = results.pairs(series, setting, metric=metric).get((MEAN, MEAN))
    p = results.pairs(series, setting, metric=f"{metric}_p").get((MEAN, MEAN))
    return (row, PValue(p["value"], 0.0)) if row and p else None  # the rows do not hold the number of draws
