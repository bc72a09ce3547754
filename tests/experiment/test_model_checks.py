"""What is wrong with a model is said before any concept is read and before another model has run."""

import pytest

from jaxalign import bench
from jaxalign.concepts import dataset
from jaxalign.experiment import limits
from tests.tiny import write_model


@pytest.mark.parametrize(("flags", "said"), [
    (["--models=demo,{tmp}/nowhere/at/all"], "nowhere"), (["--models=demo,{tmp}"], "config.json"),
    (["--models=demo", "--layers=5"], "--layers from 0 to 4"), (["--models=demo", "--layers=0-9"], "--layers"),
    (["--models=demo", "--pooling=decoder"], "encoder-decoder"), (["--models=demo,{tmp}/model"], "safetensors"),
    (["--models=demo", "--model_parallel=7"], "divisor of the"), (["--templates={tmp}/none.tsv"], "none.tsv"),
    (["--template_names=haiku"], "--template_names"), (["--models=demo", "--revision=main"], "--revision"),
    (["--models=demo,{tmp}/broken"], "tokenizer"),
])  # fmt: skip
def test_refused_before_concepts_are_read(tmp_path, capsys, monkeypatch, flags, said):
    def fail(*_, **__):
        raise AssertionError("concepts were read first")

    write_model(tmp_path / "model")
    (write_model(tmp_path / "broken") / "tokenizer.json").write_text("{")
    monkeypatch.setattr(dataset, "load", fail)
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    monkeypatch.setattr("jaxalign.experiment.training_overlap.read", lambda folder: None)  # reads the lexicon
    assert bench.main(["bench", *flags, f"--workdir={tmp_path / 'w'}"]) == 2
    error = capsys.readouterr().err
    assert said in error and "--" in error and not (tmp_path / "w").exists()


def test_a_control_without_its_library_is_refused_at_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(limits, "find_spec", lambda name: None if name == "wordfreq" else object())
    assert bench.main(["bench", "--controls=matched", f"--workdir={tmp_path / 'w'}"]) == 2
    error = capsys.readouterr().err
    assert "got no wordfreq" in error and "jaxalign[study]" in error and "drop matched from --controls" in error
