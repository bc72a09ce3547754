"""What the page asks of the results: one function per question, each returns a `Section`, or None without such rows."""

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import (
    concept_groups,
    isometry,
    main_tables,
    matched,
    model_size,
    sweeps,
    training,
)
from jaxalign.report.sections.controls import answers, bitext, confounds, found_seeds, hubness, shrinkage, spectrum
from jaxalign.report.sections.section import Section

__all__ = ["Section", "results_sections"]

_MAKERS = (
    main_tables.pairs,
    main_tables.languages,
    concept_groups.kinds,
    main_tables.differences,
    matched.matched,
    sweeps.layers,
    training.training,
    sweeps.seeds,
    shrinkage.shrinkage,
    found_seeds.found,
    sweeps.templates,
    concept_groups.forms,
    concept_groups.domains,
    concept_groups.subsets,
    answers.answers,
    confounds.odds,
    hubness.hubs,
    bitext.bitext,
    spectrum.spectrum,
    model_size.sizes,
    main_tables.paper,
)


def results_sections(results: Results) -> list[Section]:
    """All sections that the results can fill, in the order of the page."""
    among = last_layers(results)
    made = [make(results, among) for make in _MAKERS] if among else []
    return [section for section in (*made, isometry.isometry(results)) if section]
