"""Results and what was kept beside them -> all that stands on the page."""

from collections.abc import Mapping

import jaxalign
from jaxalign.report.page import explorer_data, exports, words
from jaxalign.report.page.render import Page
from jaxalign.report.results import Results, last_layers, name_of
from jaxalign.report.sections import concept_clouds, finding, headline, results_sections, run_info
from jaxalign.report.sections.controls import answers


def build(results: Results, extras: Mapping) -> Page:
    """The page of results; `extras` is what report.json holds."""
    best = headline.best_series(results)
    summary = finding.finding(results, extras)
    drawn = concept_clouds.concept_clouds(extras.get("maps") or [])
    found = [*results_sections(results), answers.rare_words(extras), *run_info.sections(extras)]
    sections = [section for section in (summary, headline.headline(results), drawn, *found) if section]
    pairs = words.of_series(extras.get("wrong") or [], best)
    name = f" of {name_of(best, last_layers(results))}" if best else ""
    note = f"Wrong retrievals with the fitted map{name}, a random sample: the word, what was retrieved, what was right."
    order = explorer_data.clustered(results, best)
    return Page(
        title=run_info.title(results),
        lead=run_info.lead(results, extras),
        tiles=headline.tiles(results),
        sections=sections,
        words=pairs,
        words_note=note,
        notes=_notes(extras),
        version=jaxalign.__version__,
        explorer=explorer_data.explorer_data(results, extras, order, best),
        exports=exports.exports(results.rows, extras),
    )


def _notes(extras: Mapping) -> list[str]:
    """What a reader must know before any figure: toy models, test concepts that were trained on, runs kept apart."""
    warnings = (extras.get("environment") or {}).get("warnings") or []
    return list(dict.fromkeys([*warnings, *(extras.get("notes") or [])]))
