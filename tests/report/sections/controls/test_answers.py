"""The sections on several right answers and on rare senses."""

from jaxalign.metrics.rows import Place, result_row
from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections.controls import answers
from jaxalign.types import Concepts

KEY = dict(model="demo", embedding="vanilla", pooling="last", layer=4, retrieval="csls", csls_k=10, candidates="all",
           completion="drop", setting="after", seed_size=20)  # fmt: skip
IDS = ("dog.n.01", "distress.n.04", "time.n.05")


def test_first_word_and_all_words():
    rows = [
        result_row(Place(**KEY, metric=metric), value, 40, value - 0.02, value + 0.02)
        for metric, value in (("P@5", 0.5), ("P@5_all_answers", 0.6), ("P@5_all_answers - P@5", 0.1))
    ]
    rows.append(result_row(Place(source="fr", target="fr", setting="concepts", metric="several_words"), 0.4, 40))
    results = Results([dict(row) for row in rows])
    section = answers.answers(results, last_layers(results))
    table, shares = section.tables
    assert [round(cell) for cell in table.body[0][4:]] == [50, 60, 10] and table.body[0][2:4] == ["all", "P@5"]
    assert shares.body[0][0] == "French (fr)" and round(shares.body[0][1]) == 40
    plain = Results([dict(row) for row in rows[:1]])
    assert answers.answers(plain, last_layers(plain)) is None


def test_rare_senses_are_shown():
    listed = {"en": (("dog",), ("distress",), ("time",)), "fr": (("chien",), ("saisie-arrêt", "saisie"), ("temps",))}
    words = {code: tuple(cell[0] for cell in column) for code, column in listed.items()}
    concepts = Concepts(IDS, ("physical", "abstract", "abstract"), words, (), listed)
    records = answers.rare_records(concepts, IDS)
    assert [(one["id"], one["sense"]) for one in records] == [("time.n.05", 5), ("distress.n.04", 4)]
    section = answers.rare_words({"rare_senses": records})
    assert section.folded[0].body[1] == ["distress.n.04", 4, "distress", "saisie-arrêt, saisie"]
    assert answers.rare_words({}) is None and answers.rare_records(concepts._replace(answers={}), IDS) == []
