"""The tokenizer splits texts as the folder's tokenizer.json says, whatever class the checkpoint names."""

import json

import pytest

from jaxalign.embeddings import prompts
from jaxalign.models.checkpoint.tokenizer import differs, read_tokenizer
from jaxalign.types import InputError
from tests import tiny

tokenizers = pytest.importorskip("tokenizers")


def digits_tokenizer(folder, kind, model_type):
    """A byte-level tokenizer that cuts numbers into digits, under the class that a checkpoint names."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from tokenizers.pre_tokenizers import ByteLevel, Digits, Sequence, Split

    folder.mkdir()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {letter: n for n, letter in enumerate(alphabet)}
    merges = [("1", "2"), ("12", "3"), ("d", "o"), ("do", "g")]
    for left, right in merges:
        vocab[left + right] = len(vocab)
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    pattern = tokenizers.Regex(r"\s?\p{L}+|\s?[^\s\p{L}]+|\s+")
    split = Split(pattern, "isolated")
    tokenizer.pre_tokenizer = Sequence(
        [Digits(individual_digits=True), split, ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind}))
    (folder / "config.json").write_text(json.dumps(tiny.LLAMA | {"model_type": model_type}))
    return tokenizer


@pytest.mark.parametrize("model_type", ["llama", "gpt2"])
@pytest.mark.parametrize("kind", ["GPT2TokenizerFast", "GPT2Tokenizer", "PreTrainedTokenizerFast"])
def test_pre_tokenizer_of_the_file_is_kept(tmp_path, kind, model_type):
    plain = digits_tokenizer(tmp_path / "m", kind, model_type)
    tokenizer = read_tokenizer(tmp_path / "m")
    expected = plain.encode("12345 dogs").ids
    assert len(expected) == len("12345") + 3  # each digit alone, then " ", "dog", "s"
    assert tokenizer("12345 dogs", add_special_tokens=False)["input_ids"] == expected
    assert not differs(tokenizer, tmp_path / "m" / "tokenizer.json")


def test_a_damaged_file_is_named(tmp_path):
    tiny.write_model(tmp_path / "m")
    read_tokenizer(tmp_path / "m")
    (tmp_path / "m" / "tokenizer.json").write_text("{")
    with pytest.raises(InputError, match=str(tmp_path)):
        read_tokenizer(tmp_path / "m")


def test_special_tokens_of_the_folder_stay(tmp_path):
    tiny.write_model(tmp_path / "m")
    assert read_tokenizer(tmp_path / "m")("dog")["input_ids"][0] == 0


def test_the_chat_template_beside_the_checkpoint_is_read(tmp_path):
    tiny.write_model(tmp_path / "m")
    chat = prompts.load()["chat"]
    with pytest.raises(InputError, match="chat template"):
        prompts.fill(chat, ["ki"], "ja", read_tokenizer(tmp_path / "m"))
    (tmp_path / "m" / "chat_template.jinja").write_text("<user>{{ messages[0]['content'] }}<model>")
    (text,) = prompts.fill(chat, ["ki"], "ja", read_tokenizer(tmp_path / "m"))
    assert text == '<user>Summarize concept "ki" in one Japanese word.<model>'
