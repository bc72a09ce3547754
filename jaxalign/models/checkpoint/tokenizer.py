"""The tokenizer of a checkpoint's folder, held to what its tokenizer.json says."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from jaxalign.runtime import clock
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError

# Scripts, digits, spaces and signs in which normalizers and pre-tokenizers differ.
PROBES = (
    "12345 dogs", "3.14 x 2024-05-01", "L'été, naïve café", "don't can't I'll", "  two  spaces ", "line\nbreak\ttab",
    "犬は忠実な動物です。", "สุนัขเป็นสัตว์", "собака и Кошка", "कुत्ता वफ़ादार", "كلب صديق", "ΣΊΣΥΦΟΣ İlaç", "ﬁne ½ Ⅳ",
    "a_b-c/d (e) [f] {g} #h @i", "dog", "Dog", " dog", "🐕‍🦺", "e\u0301 é",
)  # fmt: skip


def read_tokenizer(folder: Path) -> Any:
    """Returns the tokenizer in `folder`, or in a GGUF file; no code of the folder is run.

    transformers builds some tokenizers by the class that the checkpoint names and leaves out steps of its
    tokenizer.json. The two readings are compared on texts of many scripts; where they differ, the file is right, and
    the tokenizer is read from it.
    """
    with clock.importing():
        from transformers import AutoTokenizer, PreTrainedTokenizerFast

    def read(kind: Any, **options: Any) -> Any:
        place = folder.parent if folder.is_file() else folder
        try:
            return kind.from_pretrained(str(place), trust_remote_code=False, local_files_only=True, **options)
        except Exception as error:  # the tokenizers library raises bare Exception for a damaged file
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"Expected tokenizer files in {folder}, got: {reason}. Change --models.") from error

    if folder.is_file():
        return read(AutoTokenizer, gguf_file=folder.name)
    tokenizer = read(AutoTokenizer)
    path = folder / "tokenizer.json"
    if not path.is_file() or not differs(tokenizer, path):
        return tokenizer
    name = type(tokenizer).__name__
    LOGGER.warning("%s: %s splits texts in another way than tokenizer.json; the file is followed.", folder, name)
    tokenizer = read(PreTrainedTokenizerFast)
    if differs(tokenizer, path):
        raise InputError(
            f"Expected a tokenizer that splits texts as {path} says, got another split from transformers. "
            "Remove 'tokenizer_class' from tokenizer_config.json, or change --models."
        )
    return tokenizer


@lru_cache(maxsize=4)
def kept_tokenizer(folder: Path) -> Any:
    """Returns the tokenizer in `folder`, which is read once: checks need it before the model does."""
    return read_tokenizer(folder)


def differs(tokenizer: Any, path: Path) -> bool:
    """Returns whether a tokenizer splits any probe in another way than its tokenizer.json, without special tokens."""
    from tokenizers import Tokenizer

    try:
        plain = Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise InputError(f"Expected a tokenizer in {path}, got: {str(error)[:200]}. Change --models.") from error
    plain.no_padding()
    plain.no_truncation()
    expected = [encoding.ids for encoding in plain.encode_batch(list(PROBES), add_special_tokens=False)]
    return tokenizer(list(PROBES), add_special_tokens=False)["input_ids"] != expected
