"""The tokenizer of a checkpoint's folder."""

from pathlib import Path
from typing import Any

from jaxalign.types import InputError


def read_tokenizer(folder: Path) -> Any:
    """Returns the tokenizer in `folder`; no code of the folder is run."""
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    except Exception as error:  # the tokenizers library raises bare Exception for a damaged file
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"Expected tokenizer files in {folder}, got: {reason}. Change --models.") from error
