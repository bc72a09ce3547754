"""Whole runs with tokenizers that lack what others have: pad, BOS, words of a language, any token at all."""

import json
from pathlib import Path

import numpy as np
import pytest

from jaxalign import bench, models
from jaxalign.embeddings import embed, tokenize
from jaxalign.types import InputError
from tests import tiny

FAST = ("--weights=random", "--bootstrap=0", "--settings=before,after", "--retrieval=nn", "--k=1")


def put_tokenizer(folder: Path, kind: str) -> Path:
    """A tiny model whose tokenizer is `bytes` (no special token of any kind) or `words` (English and French alone)."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers
    from tokenizers import models as kinds
    from transformers import PreTrainedTokenizerFast

    tiny.write_model(folder)
    special = {}
    if kind == "bytes":
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        tokenizer = Tokenizer(kinds.BPE(vocab={sign: row for row, sign in enumerate(alphabet)}, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.normalizer = normalizers.Replace("#", "")
    else:
        known = dict.fromkeys(word for code in ("en", "fr") for text in tiny.WORDS[code] for word in text.split())
        vocab = {"<unk>": 0, **{word: 1 + row for row, word in enumerate(known)}}
        tokenizer = Tokenizer(kinds.WordLevel(vocab=vocab, unk_token="<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        special = {"unk_token": "<unk>"}
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)
    return folder


def put_list(folder: Path, codes: tuple[str, ...], keep: int = 10, **words: tuple[str, ...]) -> Path:
    columns = {code: words.get(code, tiny.WORDS[code]) for code in codes}
    lines = ["\t".join(["id", *codes])]
    lines += ["\t".join([f"c{row}", *(column[row] for column in columns.values())]) for row in range(keep)]
    (folder / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "list.tsv"


def test_a_run_with_a_tokenizer_of_neither_pad_nor_bos(tmp_path):
    folder = put_tokenizer(tmp_path / "model", "bytes")
    model = models.load_model(folder, weights="random")
    assert model.tokenizer.pad_token is None and model.tokenizer.bos_token is None
    together = embed.embed(model, ["do", "information", "x"], pooling="mean")
    for row, text in enumerate(("do", "information", "x")):
        (states,) = embed.hidden_states(model, [model.tokenizer(text)["input_ids"]])
        np.testing.assert_allclose(together[:, row], states.mean(axis=1), atol=1e-5)
    flags = (f"--models={folder}", f"--concepts={put_list(tmp_path, ('en', 'fr', 'ja'))}", "--pooling=first,last,mean")
    assert bench.main(["bench", *FAST, *flags, f"--workdir={tmp_path / 'runs'}"]) == 0


def test_a_text_of_no_token_is_refused(tmp_path):
    folder = put_tokenizer(tmp_path / "model", "bytes")
    with pytest.raises(InputError, match="one token or more per text, got none for '##' at index 1"):
        tokenize.tokenize(models.load_model(folder, weights="random").tokenizer, ["dog", "##"])
    path = put_list(tmp_path, ("en", "fr"), fr=(*tiny.WORDS["fr"][:9], "x##"))  # the word is "x", one token
    flags = (f"--models={folder}", f"--workdir={tmp_path / 'runs'}", "--embeddings=vanilla")
    assert bench.main(["bench", *FAST, *flags, f"--concepts={path}"]) == 0


def test_unknown_words_are_counted_by_language(tmp_path, capsys):
    """Eight of ten Japanese words are unknown: said once on stderr and kept with the run."""
    folder = put_tokenizer(tmp_path / "model", "words")
    path = put_list(tmp_path, ("en", "fr", "ja"), ja=("dog", "house", *tiny.WORDS["ja"][2:]))
    flags = (f"--models={folder}", f"--concepts={path}", f"--workdir={tmp_path / 'runs'}", "--embeddings=vanilla")
    assert bench.main(["bench", *FAST, *flags]) == 0
    assert "vanilla, ja: 8 of 10 texts are nothing but the unknown token" in capsys.readouterr().err
    kept = json.loads((tmp_path / "runs" / "run-0001" / "environment.json").read_text())["models"]
    assert [record["unknown_words"] for record in kept.values()] == [{"ja": 8}]


def test_a_language_of_unknown_words_alone_is_named(tmp_path, capsys):
    folder = put_tokenizer(tmp_path / "model", "words")
    flags = (f"--models={folder}", f"--concepts={put_list(tmp_path, ('en', 'fr', 'ja'))}", "--embeddings=vanilla")
    assert bench.main(["bench", *FAST, *flags, f"--workdir={tmp_path / 'runs'}"]) == 2
    heard = capsys.readouterr().err
    assert "nothing but its unknown token for all 10 in ja. Leave ja out of --languages" in heard
    assert "embed" not in heard and not list(tmp_path.glob("runs/spaces/*"))  # before anything is computed
    assert bench.main(["bench", *FAST, *flags, "--languages=en,fr", f"--workdir={tmp_path / 'runs'}"]) == 0


@pytest.mark.parametrize("error", [MemoryError("of the host"), RuntimeError("RESOURCE_EXHAUSTED: of the device")])
def test_out_of_memory_is_told(tmp_path, capsys, monkeypatch, error):
    from jaxalign.experiment import inputs

    def fail(*_):
        raise error

    monkeypatch.setattr(inputs, "concepts_of", fail)
    assert bench.main(["bench", f"--workdir={tmp_path / 'runs'}"]) == 1
    assert "out of memory" in capsys.readouterr().err and not list(tmp_path.glob("runs/run-*"))
