"""Texts and templates that a model cannot take are refused before the first model is loaded."""

import pytest

from jaxalign import bench, models
from jaxalign.config import Config
from jaxalign.experiment import text_checks
from jaxalign.types import InputError
from tests import tiny

SHORT = {"max_position_embeddings": 12}


def test_a_text_too_long_for_the_second_model_is_named(tmp_path):
    """A token per byte and <s>: the Japanese words of twelve bytes have one token too many, `information` fits."""
    wide = tiny.write_model(tmp_path / "wide")
    short = tiny.write_model(tmp_path / "short", tiny.LLAMA | SHORT)
    said = r"at most 12 tokens, got 13 .*'赤ワイン'.*short: ja, vanilla, concept 3\)"
    with pytest.raises(InputError, match=said):
        text_checks.check(Config(models=(str(wide), str(short))), tiny.concepts())
    other = tiny.write_model(tmp_path / "other")
    text_checks.check(Config(models=(str(wide), str(other))), tiny.concepts())
    with pytest.raises(InputError, match="ja, prompt:paper|en, prompt:paper"):
        text_checks.check(Config(models=(str(wide), str(short)), embeddings=("prompt",)), tiny.concepts())


@pytest.mark.parametrize("before", ["demo,", ""])
def test_no_model_is_loaded_first(tmp_path, capsys, monkeypatch, before):
    def fail(*_, **__):
        raise AssertionError("a model was loaded first")

    short = tiny.write_model(tmp_path / "short", tiny.LLAMA | SHORT)
    monkeypatch.setattr(models, "load_model", fail)
    monkeypatch.setattr("jaxalign.experiment.model_checks.open_tensors", lambda origin: open(short / "config.json"))
    flags = [f"--models={before}{short}", "--languages=en,ja", "--embeddings=vanilla", f"--workdir={tmp_path / 'w'}"]
    assert bench.main(["bench", *flags]) == 2
    error = capsys.readouterr().err
    assert "Expected texts of at most 12 tokens" in error and "--concepts" in error
    assert not (tmp_path / "w" / "run-0001").exists()


def test_a_template_that_a_single_model_cannot_fill_loads_no_weights(tmp_path, capsys, monkeypatch):
    model = tiny.write_model(tmp_path / "model", tiny.LLAMA | SHORT)
    (tmp_path / "chat.tsv").write_text("name\tlanguage\tform\ttemplate\nask\t*\tchat\tWhat is {text}?\n")
    monkeypatch.setattr(models, "load_model", lambda *_, **__: pytest.fail("a model was loaded first"))
    monkeypatch.setattr("jaxalign.experiment.model_checks.open_tensors", lambda origin: open(model / "config.json"))
    flags = [f"--models={model}", "--languages=en,fr", "--embeddings=prompt", f"--workdir={tmp_path / 'w'}"]
    assert bench.main(["bench", *flags, f"--templates={tmp_path / 'chat.tsv'}", "--template_names=ask"]) == 2
    assert "chat template" in capsys.readouterr().err
    assert bench.main(["bench", *flags]) == 2
    assert "Expected texts of at most 12 tokens" in capsys.readouterr().err
