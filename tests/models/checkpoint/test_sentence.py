"""Folders of sentence-transformers: pooling, prompts, and what our pooling does not give. Needs no torch."""

import json

import pytest

from jaxalign import models
from jaxalign.embeddings import prompts
from jaxalign.types import InputError
from tests.models.checkpoints import assert_same, write


def sentence_model(folder, mode="pooling_mode_cls_token", extra=(), inner="", **settings):
    """A sentence-transformers folder round a tiny checkpoint."""
    folder.mkdir()
    write(folder / inner if inner else folder)
    modules = [("Transformer", inner), ("Pooling", "1_Pooling"), *extra]
    named = [{"idx": n, "name": str(n), "path": path, "type": f"sentence_transformers.models.{kind}"}
             for n, (kind, path) in enumerate(modules)]  # fmt: skip
    (folder / "modules.json").write_text(json.dumps(named))
    (folder / "1_Pooling").mkdir()
    modes = {"word_embedding_dimension": 16, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": False}
    modes[mode] = True
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    for name, value in settings.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    return folder


@pytest.mark.parametrize(
    ("mode", "pooling"),
    [("pooling_mode_cls_token", "first"), ("pooling_mode_mean_tokens", "mean"), ("pooling_mode_lasttoken", "last")],
)
def test_pooling_of_sentence_transformers_is_the_default(tmp_path, mode, pooling):
    model = models.load_model(sentence_model(tmp_path / "m", mode, extra=[("Normalize", "2_Normalize")]))
    assert model.default_pooling == pooling and model.prompts == {} and not model.warnings


def test_what_no_pooling_gives_is_refused_by_name(tmp_path):
    dense = models.load_model(sentence_model(tmp_path / "dense", extra=[("Dense", "2_Dense")]))
    with pytest.raises(InputError, match="Dense"):
        dense.default_pooling  # noqa: B018
    largest = models.load_model(sentence_model(tmp_path / "max", "pooling_mode_max_tokens"))
    with pytest.raises(InputError, match="max_tokens"):
        largest.default_pooling  # noqa: B018


def test_prompts_and_lower_case_of_sentence_transformers(tmp_path):
    folder = sentence_model(
        tmp_path / "m", config_sentence_transformers={"prompts": {"query": "query: ", "document": ""}},
        sentence_bert_config={"max_seq_length": 64, "do_lower_case": True},
    )  # fmt: skip
    model = models.load_model(folder)
    assert model.prompts == {"query": "query: "}
    assert len(model.warnings) == 2 and "lower case" in model.warnings[0]
    assert "query ('query: ')" in model.warnings[1] and "document" not in model.warnings[1]


def test_the_template_that_the_message_offers_gives_the_models_prompt(tmp_path):
    made = {"prompts": {"task": "Instruct: {task}\n", "web query": "query: "}}
    model = models.load_model(
        sentence_model(tmp_path / "m", "pooling_mode_mean_tokens", config_sentence_transformers=made)
    )
    (said,) = model.warnings
    assert "--pooling=mean --template_names=web-query" in said
    line = said.rpartition("the line ")[2].replace("<tab>", "\t")
    (tmp_path / "t.tsv").write_text(f"name\tlanguage\tform\ttemplate\n{line}\n")
    template = prompts.load(tmp_path / "t.tsv")["web-query"]
    assert list(prompts.fill(template, ["dog", "cat"], "en")) == ["query: dog", "query: cat"]
    harder = {"prompts": {"task": "Instruct: {task}\n"}}
    (said,) = models.load_model(sentence_model(tmp_path / "n", config_sentence_transformers=harder)).warnings
    assert "task" in said and "--templates" not in said


def test_a_transformer_in_its_own_folder(tmp_path):
    folder = sentence_model(tmp_path / "m", inner="0_Transformer")
    assert_same(models.load_model(folder), models.load_model(folder / "0_Transformer"))
    assert models.load_model(folder).default_pooling == "first"
