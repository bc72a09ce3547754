"""Several right answers on the page: what counting all of them adds, and words whose first word is a rare sense."""

from collections.abc import Mapping, Sequence

from jaxalign.metrics.any_answer import RARE, sense_numbers
from jaxalign.report.cells import Percent, measured
from jaxalign.report.names import language_label, setting_name
from jaxalign.report.results import MEAN, Results, Series, name_of
from jaxalign.report.sections.section import Section
from jaxalign.report.tables import Table
from jaxalign.types import Concepts

_ALL = "_all_answers"
_SHOWN = 40  # concepts with a rare sense


def answers(results: Results, among: list[Series]) -> Section | None:
    """P@k and MRR of the first word and of all words, by setting; the share of concepts with several words."""
    body: list[list] = []
    for series in among:
        for setting in ("before", "after"):
            for subset in ("all", "first_sense", "rare_sense"):
                for metric in results.metrics():
                    every = _mean(results, series, setting, subset, f"{metric}{_ALL}")
                    more = _mean(results, series, setting, subset, f"{metric}{_ALL} - {metric}")
                    if every is not None:
                        first = _mean(results, series, setting, subset, metric)
                        label = [name_of(series, among), setting_name(setting), subset.replace("_", " "), metric]
                        body.append([*label, first, every, more])
    if not body:
        return None
    shares = [
        [language_label(source), measured(row), row["count"]]
        for cell, rows in results.cells.items()
        if cell.metric == "several_words"
        for (source, _), row in rows.items()
    ]
    text = (
        "The target language may have several words for a concept: all of them count, where they are the first word of "
        "another concept, since only these are candidates. The difference is paired over the same queries. First "
        f"sense: the English word is meant in its most frequent sense; rare sense: in its sense number {RARE} or more."
    )
    header = ["series", "setting", "concepts", "metric", "first word", "all words", "difference"]
    tables = [Table("All words of the target concept, percent, mean of all pairs", header, body)]
    if shares:
        tables.append(Table("Concepts with several words, percent", ["language", "share", "concepts"], shares))
    return Section("answers", "Several right answers", text, (), tuple(tables))


def rare_words(extras: Mapping) -> Section | None:
    """Test concepts whose first English word is meant in a rare sense, and their words."""
    records = extras.get("rare_senses") or []
    if not records:
        return None
    codes = list(records[0]["words"])
    body = [[record["id"], record["sense"], *(record["words"][code] for code in codes)] for record in records[:_SHOWN]]
    text = (
        f"{len(records)} test concepts are named by an English word in its sense number {RARE} or more: the other "
        f"languages' words translate that sense, which the bare word hardly shows. The rarest {len(body)}."
    )
    table = Table("First word and further words of the concept", ["concept", "sense", *codes], body)
    return Section("rare-senses", "Words in a rare sense", text, (), (), (table,))


def rare_records(concepts: Concepts, test: Sequence[str]) -> list[dict]:
    """Records for `rare_words`, the rarest sense first; none without WordNet ids or further words."""
    numbers = sense_numbers(test)
    if numbers is None or not concepts.answers:
        return []
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    chosen = sorted((-int(number), name) for name, number in zip(test, numbers, strict=True) if number >= RARE)
    return [
        {
            "id": name,
            "sense": -number,
            "words": {code: ", ".join(column[row_of[name]]) for code, column in concepts.answers.items()},
        }
        for number, name in chosen
    ]


def _mean(results: Results, series: Series, setting: str, subset: str, metric: str) -> Percent | None:
    row = results.pairs(series, setting, subset, metric).get((MEAN, MEAN))
    return measured(row, with_interval=True) if row else None
