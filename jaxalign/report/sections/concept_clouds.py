"""The map of concepts: one pair drawn for each model; the explorer shows every pair."""

from collections.abc import Mapping, Sequence

from jaxalign.report import names
from jaxalign.report.drawing.clouds import clouds
from jaxalign.report.drawing.svg import About
from jaxalign.report.results import short_model
from jaxalign.report.sections.section import DRAWN, Section


def concept_clouds(records: Sequence[Mapping]) -> Section | None:
    """Concepts of the first language and the hub, before and after the map, from the records of `concept_map`."""
    pictures = []
    for place, record in enumerate(records[:DRAWN]):
        code, points = next(iter(record["pairs"].items()))
        label, hub = record["label"], record["hub"]
        pair = f"{names.language_label(code)} and {names.language_label(hub)}"
        caption = (
            f"{short_model(label['model'])}, {names.embedding_name(label['embedding'])}, layer {label['layer']}: "
            f"{pair}; {len(record['ids']):,} of {record['test']:,} test concepts, "
            f"map fitted on {record['seeds']:,} seed concepts."
        )
        pictures.append(clouds(points, code, hub, About(f"map-{place}", caption, f"concepts of {pair}")))
    text = (
        "Each point is a concept in one language, a line joins it to its translation. The two dimensions are the first "
        "principal components of both languages after the map, so that two dimensions of many are seen: points that "
        "fall together here may still be apart. The explorer shows the other languages, with words."
    )
    return Section("concept-map", "Map of concepts", text, tuple(pictures)) if pictures else None
