"""What a finished run measured and how, so that joined runs can be compared or kept apart."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.report import files
from jaxalign.report.results import MEAN
from jaxalign.types import Concepts, InputError

# Settings that decide figures but are no column of a row.
_METHOD = (
    "normalize", "map", "scale", "translate", "precision", "special_tokens", "dtype", "weights", "revision",
    "templates", "seed", "splits", "null_draws", "bootstrap", "procrustes",
)  # fmt: skip
# What was measured, where a run keeps no list of its concepts (word translation).
_DATA_FLAGS = ("dictionary", "seed_dictionary", "concepts", "split", "spaces")


class Run(NamedTuple):
    """A finished run as it is on disk, under the short name that tells it from the others."""

    name: str
    folder: Path
    rows: list[dict]
    extras: dict
    split: dict | None  # seed and test concept ids
    flags: dict[str, str]

    @property
    def languages(self) -> list[str]:
        """The languages of the rows, in their order."""
        codes = dict.fromkeys(row[end] for row in self.rows for end in ("source", "target"))
        return [code for code in codes if code != MEAN]

    @property
    def models(self) -> list[str]:
        """The models of the rows, in their order."""
        return list(dict.fromkeys(row["model"] for row in self.rows if row["model"]))


def read_runs(folders: Sequence[Path]) -> list[Run]:
    """The runs of folders; InputError where one is no finished run or stands there twice."""
    if len({Path(folder).resolve() for folder in folders}) < len(folders):
        raise InputError(f"Expected different runs, got one twice in {', '.join(map(str, folders))}. Name each once.")
    names = _short_names([Path(folder) for folder in folders])
    return [_read(name, Path(folder)) for name, folder in zip(names, folders, strict=True)]


def check_finished(folder: Path) -> None:
    """InputError for the folder of a run that was stopped, whose rows are not all there."""
    if folder.name.endswith(".partial"):
        raise InputError(f"Expected a finished run, got {folder}, which was not finished. Give its command again.")


def _read(name: str, folder: Path) -> Run:
    check_finished(folder)
    split = folder / "split.json"
    flags = folder / "flags.txt"
    lines = flags.read_text(encoding="utf-8").splitlines() if flags.is_file() else []
    given = dict(line.removeprefix("--").split("=", 1) for line in lines if line.startswith("--") and "=" in line)
    try:
        ids = json.loads(split.read_text(encoding="utf-8")) if split.is_file() else None
    except ValueError as error:
        raise InputError(f"Expected JSON in {split}, got {error}. Repeat the run.") from error
    return Run(name, folder, files.read_rows(folder), files.read_extras(folder), ids, given)


def _short_names(folders: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as many as tell them apart: `run-0001`, or `a/run-0001` and `b/run-0001`."""
    resolved = [folder.resolve() for folder in folders]
    depth = 1
    while len({path.parts[-depth:] for path in resolved}) < len(resolved):
        depth += 1
    return ["/".join(path.parts[-depth:]) for path in resolved]


def concept_facts(concepts: Concepts) -> dict[str, Any]:
    """What report.json keeps of the concepts: digests of their ids and kinds, and of the words of each language.

    With sentences around the words also how many each language has, and digests of them.
    """
    words = {code: _digest(words) for code, words in concepts.words.items()}
    kept: dict[str, Any] = dict(ids=_digest([concepts.ids, concepts.kinds]), words=words)
    if concepts.contexts:
        name, sentences = concepts.contexts
        counts = {code: [len(own) for own in column] for code, column in sentences.items()}
        kept["contexts"] = dict(
            name=name,
            sentences={code: dict(total=sum(own), fewest=min(own), most=max(own)) for code, own in counts.items()},
            digests={code: _digest(column) for code, column in sentences.items()},
        )
    return kept


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:16]


def differences(one: Run, other: Run) -> list[str]:
    """What keeps the figures of two runs from being compared at all, in words; empty where they can be compared."""
    said = []
    first, second = (run.extras.get("concepts") or {} for run in (one, other))
    if first.get("total") != second.get("total") or _differ(first, second, "ids"):
        said.append(f"concept lists ({_number(first.get('total'))} and {_number(second.get('total'))} concepts)")
    elif changed := _changed_words(first.get("words") or {}, second.get("words") or {}):
        said.append(f"words of the concepts in {', '.join(changed)}")
    here, there = (concepts.get("contexts") or {} for concepts in (first, second))
    if here.get("name") == there.get("name") and (
        changed := _changed_words(here.get("digests") or {}, there.get("digests") or {})
    ):
        said.append(f"sentences of --contexts in {', '.join(changed)}")
    if one.split != other.split:
        tests = [_number(len(run.split["test"]) if run.split else None) for run in (one, other)]
        said.append(f"splits ({' and '.join(tests)} test concepts, not the same ones)")
    if one.split is None and other.split is None:
        said += [f"--{name}" for name in _DATA_FLAGS if one.flags.get(name) != other.flags.get(name)]
    return said


def _differ(first: Mapping, second: Mapping, name: str) -> bool:
    return name in first and name in second and first[name] != second[name]


def _number(count: int | None) -> str:
    return "no" if count is None else f"{count:,}"


def _changed_words(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    return [code for code in first if code in second and first[code] != second[code]]


def method_differences(one: Run, other: Run, model: str) -> list[str]:
    """The settings in which two runs measured one model differently, in words."""
    first, second = one.extras.get("settings") or one.flags, other.extras.get("settings") or other.flags
    said = [f"--{name}" for name in _METHOD if first.get(name) != second.get(name)]
    if set(one.languages) != set(other.languages):
        said.append("--languages")
    if _differ(_model_record(one, model), _model_record(other, model), "digest"):
        said.append("its weights")
    return said


def unlike(one: Run, other: Run, same_models: bool) -> list[str]:
    """What may move the figures of two runs that stand side by side, in words: versions, and settings of other models.

    `same_models`: all models of the other run are in the first one too, whose settings `method_differences` compares.
    """
    versions = [(run.extras.get("environment") or {}).get("versions") or {} for run in (one, other)]
    said = []
    if _differ(versions[0], versions[1], "jaxalign"):
        said.append(f"version of jaxalign ({versions[1]['jaxalign']}, not {versions[0]['jaxalign']})")
    if not same_models:  # the revision and the weights are of each model itself
        said += [name for name in method_differences(one, other, "") if name not in ("--revision", "--weights")]
    return said


def _model_record(run: Run, model: str) -> Mapping:
    return ((run.extras.get("environment") or {}).get("models") or {}).get(model) or {}
