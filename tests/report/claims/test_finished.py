"""What is read of the ranks of finished runs."""

import json

import numpy as np
import pytest

from jaxalign.report.claims.finished import Key, read_finished
from jaxalign.types import InputError
from tests.report.runs import make


def test_models_of_several_runs_stand_next_to_each_other(tmp_path):
    for name in ("a-1b", "a-7b"):
        folder = tmp_path / name
        make(folder, model=name)
        rank = np.full((3, 3, 40), 2 if name == "a-1b" else 1)
        label = f"{name}|vanilla|last|4|csls"
        other = {f"{label}|null|20|1|0": rank, f"{label}|after|20|0|1": rank}  # another shuffle, another split
        np.savez(
            folder / "ranks.npz", **{f"{label}|after|20|0|0": rank, f"{label}|after|20|0|0|ties": rank - 1}, **other
        )
    found = read_finished([tmp_path / "a-1b", tmp_path / "a-7b"])
    assert found.models == ["a-1b", "a-7b"] and set(found.languages.values()) == {("en", "fr", "ja")}
    assert len(found.ranks) == 2 and len(found.kinds) == 40 and len(found.words["ja"]) == 40
    key = Key("a-1b", "vanilla", "last", 4, "csls", "after", 20)
    assert found.gain(key, "P@5").mean() == 1 and found.gain(key, "P@1").mean() == 0
    assert set(found.kinds) == {"abstract", "physical"}


def test_runs_of_an_earlier_version_are_refused(tmp_path):
    make(tmp_path / "run")
    with pytest.raises(InputError, match="ranks.npz"):
        read_finished([tmp_path / "run"])
    path = tmp_path / "run" / "report.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["words"]["kinds"]
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="kinds"):
        read_finished([tmp_path / "run"])


def test_two_runs_of_one_model_add_what_each_has_and_must_not_contradict(tmp_path):
    rank = np.ones((3, 3, 40), int)
    for name, tables in {
        "words": {"a-1b|vanilla|last|4|csls|after|20|0|0": rank},
        "prompts": {"a-1b|prompt:x|last|4|csls|after|20|0|0": rank, "a-1b|vanilla|last|4|csls|after|20|0|0": rank},
        "again": {"a-1b|vanilla|last|4|csls|after|20|0|0": 2 * rank},
    }.items():
        make(tmp_path / name, model="a-1b")
        np.savez(tmp_path / name / "ranks.npz", **tables)
    found = read_finished([tmp_path / "words", tmp_path / "prompts"])
    assert {key.embedding for key in found.ranks} == {"vanilla", "prompt:x"} and found.models == ["a-1b"]
    with pytest.raises(InputError, match="again with other ranks of a-1b, vanilla, last, 4, csls, after, 20"):
        read_finished([tmp_path / "words", tmp_path / "again"])
