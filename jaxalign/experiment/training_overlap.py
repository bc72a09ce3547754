"""Which concepts of a run a model was trained on as translations, so that no figure rests on pairs it has seen.

A model folder (or a folder of --spaces) may state this in `jaxalign.json` next to config.json. All fields are optional:

    {"toy": true,                                  the model exists to try the software; its figures mean nothing else
     "note": "Trained on ...",                     one sentence, shown on the screen and on the page
     "training_concepts": {"split": "split.json", "list": "builtin"}}

    split  JSON file of the folder in the form of --split: under "seed" the ids of concepts whose translations the model
           was trained on, under "test" those of concepts that were held out
    ids    in place of split: the ids themselves, a list of strings
    list   where the words of these ids stand: builtin, or a TSV file of the folder in the form of --concepts. With it
           a concept of another list counts as trained on where it has the words of one of them in two languages.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign.concepts import dataset
from jaxalign.config import PAPER_LANGUAGES
from jaxalign.embeddings import word2vec_format
from jaxalign.types import Concepts, InputError, Split

FILE = "jaxalign.json"


class TrainingRecord(NamedTuple):
    """What a folder says about the training of its model."""

    toy: bool = False
    note: str = ""
    trained: frozenset[str] = frozenset()  # ids of concepts whose translations were in the training data
    split: Split | None = None  # the model's own split: trained, held out
    words: Concepts | None = None  # the words of the trained concepts, where the folder says which list has them


class Training(NamedTuple):
    """A record next to the concepts of a run."""

    record: TrainingRecord
    trained: frozenset[str]  # ids of this run


def read(folder: Path) -> TrainingRecord:
    """The record of a folder; an empty one where it has no jaxalign.json. Raises InputError for another form."""
    path = folder / FILE
    if not path.is_file():
        return TrainingRecord()
    try:
        content = json.loads(path.read_bytes())
        return _parse(folder, content)
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"Expected {path} in the form that jaxalign.experiment.training_overlap documents, got: {error}. "
            "Correct or remove the file, or change --models."
        ) from error


def _parse(folder: Path, content: dict[str, Any]) -> TrainingRecord:
    unknown = sorted(set(content) - {"toy", "note", "training_concepts"})
    if unknown:
        raise ValueError(f"the unknown field {unknown[0]!r}")
    stated = content.get("training_concepts", {})
    unknown = sorted(set(stated) - {"split", "ids", "list"})
    if unknown:
        raise ValueError(f"the unknown field {unknown[0]!r} in training_concepts")
    split = None
    ids = stated.get("ids", [])
    if "split" in stated:
        parts = json.loads(_inside(folder, stated["split"]).read_bytes())
        split = Split(tuple(parts["seed"]), tuple(parts["test"]))
        ids = split.seed
    if isinstance(ids, str) or not all(isinstance(name, str) for name in ids):
        raise ValueError("ids that are not a list of strings")
    words = _words(folder, stated["list"], frozenset(ids)) if ids and "list" in stated else None
    note = content.get("note", "")
    if not isinstance(note, str):
        raise ValueError("a note that is not text")
    return TrainingRecord(content.get("toy", False) is True, " ".join(note.split()), frozenset(ids), split, words)


def _inside(folder: Path, name: Any) -> Path:
    if not isinstance(name, str) or Path(name).name != name:
        raise ValueError(f"{name!r} in place of the name of a file in the folder")
    return folder / name


def _words(folder: Path, listed: Any, ids: frozenset[str]) -> Concepts:
    source = "builtin" if listed == "builtin" else str(_inside(folder, listed))
    languages = PAPER_LANGUAGES if source == "builtin" else dataset.list_languages(Path(source))
    known = dataset.load(source, languages)
    rows = [row for row, name in enumerate(known.ids) if name in ids]
    words = {code: tuple(column[row] for row in rows) for code, column in known.words.items()}
    return Concepts(tuple(known.ids[row] for row in rows), tuple(known.kinds[row] for row in rows), words, ())


def trained_concepts(record: TrainingRecord, concepts: Concepts) -> frozenset[str]:
    """The ids of a run's concepts that the model was trained on: the same id, or the same words in two languages."""
    trained = record.trained & set(concepts.ids)
    if record.words is None:
        return trained
    same_words: dict[tuple[int, int], int] = {}  # (row of the run, row of the record) -> languages with the same word
    for code in set(concepts.words) & set(record.words.words):
        rows: dict[str, list[int]] = {}
        for row, word in enumerate(record.words.words[code]):
            rows.setdefault(word.casefold(), []).append(row)
        for row, word in enumerate(concepts.words[code]):
            for other in rows.get(word.casefold(), ()):
                same_words[row, other] = same_words.get((row, other), 0) + 1
    return trained | {concepts.ids[row] for (row, _), languages in same_words.items() if languages > 1}


def own_split(records: Sequence[TrainingRecord], concepts: Concepts) -> Split | None:
    """The split of the first model that brings one for exactly these concepts."""
    for record in records:
        if record.split and sorted((*record.split.seed, *record.split.test)) == sorted(concepts.ids):
            return record.split
    return None


def without_trained(split: Split, concepts: Concepts, trained: frozenset[str], test_size: int, seed: int) -> Split:
    """The split with no concept of `trained` in its test set.

    Each of them takes the place of a held-out concept of its kind in the seed dictionary, which moves to the test set;
    where none is left it is in neither. `test_size` above 0 draws that many of the test set at random. Raises
    InputError where the test set would be smaller, or empty.
    """
    if not trained & set(split.test):
        return split
    rng = np.random.default_rng(seed)
    kind_of = dict(zip(concepts.ids, concepts.kinds, strict=True))
    seeds, test = list(split.seed), [name for name in split.test if name not in trained]
    for kind in dict.fromkeys(concepts.kinds):
        places = [place for place, name in enumerate(seeds) if name not in trained and kind_of[name] == kind]
        seen = [name for name in split.test if name in trained and kind_of[name] == kind]
        for place, name in zip(rng.permutation(places).tolist(), rng.permutation(seen).tolist(), strict=False):
            test.append(seeds[place])
            seeds[place] = name
    if len(test) < max(test_size, 1):
        raise InputError(
            f"Expected --test_size of at most {len(test)}, the concepts that the model was not trained on as "
            f"translations and that are not in the seed dictionary, got {max(test_size, 1)}. "
            "Lower --test_size or --seed_size, or give another list to --concepts."
        )
    if test_size:
        test = rng.choice(test, test_size, replace=False).tolist()
    row_of = {name: row for row, name in enumerate(concepts.ids)}
    return Split(tuple(seeds), tuple(sorted(test, key=row_of.__getitem__)))


def warnings(trainings: Mapping[str, Training], split: Split) -> list[str]:
    """The sentences with which the screen and the page of a run begin."""
    lines = []
    for name, (record, trained) in trainings.items():
        seen = len(trained & set(split.test))
        if seen:
            lines.append(
                f"{name} was trained on the translations of {seen} of the {len(split.test)} test concepts: its figures "
                "are no measure of alignment. Leave out --split to test on other concepts."
            )
        if record.toy:
            lines.append(f"{name} is a toy model: its figures show that the software works. {record.note}".rstrip())
    return lines


def split_note(trainings: Mapping[str, Training], split: Split) -> str:
    """What the training of the models means for the split, in one sentence; empty where it means nothing."""
    for name, (record, _) in trainings.items():
        if record.split == split:
            return f"brought by {name}; its test concepts were held out of its training"
    names = [name for name, training in trainings.items() if training.trained]
    count = len({concept for training in trainings.values() for concept in training.trained})
    if not names or any(training.trained & set(split.test) for training in trainings.values()):
        return ""
    return f"the {count:,} concepts whose translations {', '.join(names)} was trained on are not in the test set"


def facts(trainings: Mapping[str, Training], splits: Sequence[Split]) -> dict[str, Any]:
    """The fields of environment.json: `toy`, `training` by model, and the `warnings` of the first split."""
    stated = {name: training for name, training in trainings.items() if training.record != TrainingRecord()}
    if not stated:
        return {}
    by_model = {
        name: {
            "toy": record.toy,
            "note": record.note,
            "trained_concepts": len(trained),
            "trained_concepts_in_test": max(len(trained & set(split.test)) for split in splits),
        }
        for name, (record, trained) in stated.items()
    }
    toy = any(record.toy for record, _ in stated.values())
    return {"toy": toy, "training": by_model, "warnings": warnings(stated, splits[0])}


def mapped(training: Training | None, seed: Sequence[str], target: str) -> Training:
    """What vectors have seen that a map has turned into the space of `target`: also the map's own seed dictionary."""
    record, trained = training or Training(TrainingRecord(), frozenset())
    note = f"Its vectors are mapped into {target} by a map that was fitted on {len(seed):,} concepts. {record.note}"
    return Training(record._replace(note=note.rstrip()), trained | frozenset(seed))


def write(folder: Path, training: Training) -> None:
    """States in an exported folder of vectors what its model was trained on."""
    record = training.record
    if record == TrainingRecord() and not training.trained:
        return
    content: dict[str, Any] = {"toy": record.toy, "note": record.note}
    content["training_concepts"] = {"ids": sorted(map(word2vec_format.key_of, training.trained))}
    (folder / FILE).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
