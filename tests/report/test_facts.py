"""What a finished run says of itself, and what keeps two runs from being compared."""

import json

import pytest

from jaxalign.report import facts
from jaxalign.report.facts import Run
from jaxalign.types import Concepts, Contexts, InputError, Occurrence
from tests.report.rows import row
from tests.report.runs import make

CONCEPTS = Concepts(("a", "b"), ("other",) * 2, {"en": ("x", "y"), "fr": ("v", "w")}, ())


def run(concepts=CONCEPTS, split=("a",), rows=None, flags=None, **extras):
    kept = {"concepts": {"total": len(concepts.ids), **facts.concept_facts(concepts)}} | extras
    rows = rows or [row(0.5, "en", "fr"), row(0.5)]
    return Run("one", "folder", rows, kept, {"seed": ["b"], "test": list(split)} if split else None, flags or {})


def test_a_folder_is_read_and_named_by_as_much_as_tells_it_apart(tmp_path):
    for name in ("x/run-0001", "y/run-0001"):
        make(tmp_path / name)
    one, two = facts.read_runs([tmp_path / "x" / "run-0001", tmp_path / "y" / "run-0001"])
    assert (one.name, two.name) == ("x/run-0001", "y/run-0001")
    assert one.languages == ["en", "fr", "ja"] and one.models == ["demo"]
    assert one.split == json.loads((tmp_path / "x" / "run-0001" / "split.json").read_text())
    with pytest.raises(InputError, match="one twice"):
        facts.read_runs([tmp_path / "x" / "run-0001"] * 2)


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (run(), []),
        (run(CONCEPTS._replace(ids=("a", "c"))), ["concept lists (2 and 2 concepts)"]),
        (run(CONCEPTS._replace(words=CONCEPTS.words | {"fr": ("v", "z")})), ["words of the concepts in fr"]),
        (run(split=("a", "c")), ["splits (1 and 2 test concepts, not the same ones)"]),
    ],
)
def test_what_was_measured_must_be_the_same(other, said):
    assert facts.differences(run(), other) == said


def test_sentences_around_the_words_are_counted_and_must_be_the_same_under_one_name():
    def with_sentences(name, text, codes=("en", "fr")):
        column = ((Occurrence("A x.", 2, 3), Occurrence(text, 0, 1)), (Occurrence("A y.", 2, 3),))
        return CONCEPTS._replace(contexts=Contexts(name, {code: column for code in codes}))

    kept = facts.concept_facts(with_sentences("mine", "x."))["contexts"]
    assert kept["name"] == "mine" and kept["sentences"]["fr"] == {"total": 3, "fewest": 1, "most": 2}
    assert "contexts" not in facts.concept_facts(CONCEPTS)
    one = run(with_sentences("mine", "x."))
    assert facts.differences(one, run(with_sentences("mine", "x!"))) == ["sentences of --contexts in en, fr"]
    for other in (with_sentences("mine", "x.", ("en",)), with_sentences("carrier", "x!"), CONCEPTS):
        assert facts.differences(one, run(other)) == [] == facts.differences(run(other), one)


def test_runs_without_a_split_are_compared_by_their_data_flags():
    one, other = (run(split=None, flags={"dictionary": name}) for name in ("a.txt", "b.txt"))
    assert facts.differences(one, other) == ["--dictionary"] and facts.differences(one, one) == []


def test_how_a_model_was_measured():
    def with_digest(digest, **settings):
        return run(environment={"models": {"m": {"digest": digest}}}, settings={"dtype": "float32"} | settings)

    assert facts.method_differences(with_digest("1"), with_digest("1"), "m") == []
    assert facts.method_differences(with_digest("1"), with_digest("2", dtype="bfloat16"), "m") == [
        "--dtype", "its weights"
    ]  # fmt: skip
    fewer = run(rows=[row(0.5, "en", "fi")])
    assert facts.method_differences(run(), fewer, "m") == ["--languages"]
