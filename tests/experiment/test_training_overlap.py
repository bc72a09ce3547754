"""A model is not scored on pairs that it was trained on, and a toy is called a toy."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from jaxalign import bench, models
from jaxalign.concepts import dataset, splitting
from jaxalign.experiment import training_overlap
from jaxalign.experiment.training_overlap import Training, TrainingRecord
from jaxalign.types import Concepts, InputError, Split
from tests.tiny import write_model

FAST = ("--bootstrap=0", "--settings=before,after", "--retrieval=nn", "--k=1", "--embeddings=vanilla",
        "--languages=en,fr")  # fmt: skip
DEMO = json.loads((models.demo_path() / "split.json").read_text(encoding="utf-8"))


def run(tmp_path: Path, capsys, *flags: str) -> tuple[dict, dict, str]:
    """(split.json, environment.json, stderr) of a short run."""
    assert bench.main(["bench", *FAST, *flags, f"--workdir={tmp_path / 'runs'}"]) == 0
    output = capsys.readouterr()
    folder = Path(json.loads(output.out.splitlines()[-1])["run"])
    return (
        json.loads((folder / "split.json").read_text()),
        json.loads((folder / "environment.json").read_text()),
        output.err,
    )


def test_no_flags_take_the_demos_own_split(tmp_path, capsys):
    """164 of the 164 test concepts of a random split were in dictionary pairs that the demo was trained on."""
    split, environment, screen = run(tmp_path, capsys)
    assert split == DEMO
    assert environment["toy"] is True
    assert environment["training"]["demo"]["trained_concepts"] == 366
    assert environment["training"]["demo"]["trained_concepts_in_test"] == 0
    first = screen.splitlines()[0]
    assert "demo is a toy model" in first and environment["warnings"] == [first.removeprefix("warning: ")]


@pytest.mark.parametrize("flags", [["--splits=2"], ["--seed_size=100"], ["--seed_size=300", "--test_size=50"]])
def test_drawn_splits_test_only_held_out_concepts(tmp_path, capsys, flags):
    split, environment, _ = run(tmp_path, capsys, *flags)
    assert split["test"] and not set(split["test"]) & set(DEMO["seed"]) and not set(split["test"]) & set(split["seed"])
    assert environment["training"]["demo"]["trained_concepts_in_test"] == 0


def test_words_of_the_lexicon_under_other_ids_are_recognised(tmp_path, capsys):
    lexicon = dataset.load("builtin", ("en", "fr"))
    lines = ["id\ten\tfr"] + [f"own{i}\t{a}\t{b}" for i, (a, b) in enumerate(zip(*lexicon.words.values(), strict=True))]
    lines += [f"new{i}\tword{i}\tmot{i}" for i in range(40)]
    (tmp_path / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    split, environment, _ = run(tmp_path, capsys, f"--concepts={tmp_path / 'list.tsv'}")
    trained = {f"own{lexicon.ids.index(name)}" for name in DEMO["seed"]}
    assert environment["training"]["demo"]["trained_concepts"] >= 366
    assert split["test"] and not trained & set(split["test"])


def test_a_split_that_tests_trained_pairs_is_called_so_in_the_first_line(tmp_path, capsys):
    swapped = {"seed": DEMO["test"], "test": DEMO["seed"]}
    (tmp_path / "split.json").write_text(json.dumps(swapped))
    _, environment, screen = run(tmp_path, capsys, f"--split={tmp_path / 'split.json'}")
    assert "demo was trained on the translations of 366 of the 366 test concepts" in screen.splitlines()[0]
    assert environment["training"]["demo"]["trained_concepts_in_test"] == 366


def test_exported_spaces_remember_what_their_model_was_trained_on(tmp_path, capsys):
    run(tmp_path, capsys, "--export_spaces")
    (folder,) = (tmp_path / "runs" / "run-0001" / "spaces").iterdir()
    assert bench.main(["bench", f"--spaces={folder}", "--bootstrap=0", f"--workdir={tmp_path / 'again'}"]) == 0
    split = json.loads((tmp_path / "again" / "run-0001" / "split.json").read_text())
    assert len(split["test"]) == 122 and not set(split["test"]) & set(DEMO["seed"])
    assert json.loads((tmp_path / "again" / "run-0001" / "environment.json").read_text())["toy"] is True


def test_too_few_held_out_concepts_are_refused(tmp_path, capsys):
    assert bench.main(["bench", *FAST, "--test_size=123", f"--workdir={tmp_path}"]) == 2
    assert "--test_size of at most 122" in capsys.readouterr().err


@pytest.mark.parametrize("content", [
    "{", "[]", '{"toys": true}', '{"training_concepts": {"split": "../split.json"}}',
    '{"training_concepts": {"split": "none.json"}}', '{"training_concepts": {"ids": "dog"}}', '{"note": 3}',
    '{"training_concepts": {"words": []}}', '{"training_concepts": {"ids": ["a"], "list": "/etc/passwd"}}',
])  # fmt: skip
def test_wrong_records_are_refused_before_the_run(tmp_path, capsys, content):
    folder = write_model(tmp_path / "model")
    (folder / "jaxalign.json").write_text(content)
    assert bench.main(["bench", f"--models={folder}", "--weights=random", f"--workdir={tmp_path / 'w'}"]) == 2
    assert "jaxalign.json" in capsys.readouterr().err and not (tmp_path / "w").exists()


def test_a_record_with_a_list_of_its_own(tmp_path):
    (tmp_path / "pairs.tsv").write_text("id\ten\tde\na\tdog\tHund\nb\tcat\tKatze\n")
    (tmp_path / "jaxalign.json").write_text('{"training_concepts": {"ids": ["a"], "list": "pairs.tsv"}}')
    record = training_overlap.read(tmp_path)
    ids = ("x", "y", "z")
    words = {"en": ("Dog", "dog", "cat"), "de": ("hund", "Dogge", "Katze"), "fr": ("chien", "dogue", "chat")}
    concepts = Concepts(ids, ("other",) * 3, words, ())
    assert training_overlap.trained_concepts(record, concepts) == {"x"}


def test_exchanged_concepts_keep_sizes_and_kinds():
    rng = np.random.default_rng(0)
    ids = tuple(f"c{i}" for i in range(100))
    kinds = tuple("abstract" if i % 2 else "physical" for i in range(100))
    concepts = Concepts(ids, kinds, {"en": ids}, ())
    split = splitting.split(concepts, seed_size=60)
    trained = frozenset(rng.choice(ids, 30, replace=False).tolist())
    changed = training_overlap.without_trained(split, concepts, trained, 0, 0)
    assert len(changed.seed) == 60 and len(changed.test) == 40 and not trained & set(changed.test)
    kind_of = dict(zip(ids, kinds, strict=True))
    assert [kind_of[name] for name in changed.seed] == [kind_of[name] for name in split.seed]
    assert training_overlap.without_trained(split, concepts, frozenset(), 0, 0) == split
    with pytest.raises(InputError, match="at most 0"):
        training_overlap.without_trained(split, concepts, frozenset(ids), 0, 0)


def test_a_toy_with_nothing_stated_has_no_overlap():
    record = TrainingRecord(toy=True)
    split = Split(("a",), ("b",))
    facts = training_overlap.facts({"m": Training(record, frozenset())}, [split])
    assert facts["toy"] is True and facts["training"]["m"]["trained_concepts_in_test"] == 0
    assert training_overlap.facts({"m": Training(TrainingRecord(), frozenset())}, [split]) == {}


def test_the_record_travels_with_a_copy_of_the_model(tmp_path, capsys):
    shutil.copytree(models.demo_path(), tmp_path / "copy")
    split, environment, _ = run(tmp_path, capsys, f"--models={tmp_path / 'copy'}")
    assert split == DEMO and environment["toy"] is True
