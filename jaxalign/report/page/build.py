"""Results and what was kept beside them -> all that stands on the page."""

from collections.abc import Mapping

import jaxalign
from jaxalign.report import names
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
        exports=exports.exports(results, extras),
    )


def _notes(extras: Mapping) -> list[str]:
    """What a reader must know before any figure: toy models, test concepts that were trained on, runs kept apart."""
    record = extras.get("environment") or {}
    notes = [*(record.get("warnings") or []), *(extras.get("notes") or []), *_model_notes(record.get("models") or {})]
    return list(dict.fromkeys(notes))


def _model_notes(models: Mapping[str, Mapping]) -> list[str]:
    """What the loader noticed about each checkpoint, and words that its tokenizer does not know."""
    notes = [f"{name}: {text}" for name, record in models.items() for text in record.get("warnings") or []]
    for name, record in models.items():
        if unknown := record.get("unknown_words"):
            counts = ", ".join(f"{count:,} in {names.language_name(code)}" for code, count in unknown.items())
            notes.append(f"{name}: words that are nothing but the tokenizer's unknown token: {counts}.")
    return notes
