"""The folder of a model: given as a path, fetched from the Hugging Face hub, or packaged."""

import os
from pathlib import Path
from typing import NamedTuple

from jaxalign.types import InputError

TEXT_FILES = ("*.json", "*.model", "*.txt", "*.jinja")  # config, tokenizer and chat template


class Place(NamedTuple):
    """A folder on this machine, and the commit that it holds if it came from the hub."""

    folder: Path
    commit: str | None


def demo_path() -> Path:
    """Returns the folder of the packaged demo model, what `load_model("demo")` reads."""
    return Path(__file__).parents[2] / "data" / "demo"


def locate(path_or_hub_id: str | Path, revision: str | None, *, config_only: bool = False) -> Place:
    """Returns the local folder, and for a hub id the commit that `revision` stands for."""
    demo = str(path_or_hub_id) == "demo"
    folder = demo_path() if demo else Path(path_or_hub_id)
    if len(str(path_or_hub_id)) < 4096 and (demo or os.path.isdir(folder)):
        if revision is not None:
            raise InputError(f"Expected a hub id with --revision, got {path_or_hub_id}. Leave --revision out.")
        return Place(folder, None)
    if not str(path_or_hub_id).count("/") <= 1 or str(path_or_hub_id).startswith((".", "~", "/")):
        raise InputError(f"Expected a folder or a hub id, got {str(path_or_hub_id)!r}. Change --models.")
    return download(str(path_or_hub_id), revision, config_only)


def download(hub_id: str, revision: str | None, config_only: bool) -> Place:
    """Returns the folder and commit of a hub id; takes .bin only where there are no safetensors.

    "model*", since some repositories hold the weights once more as consolidated.safetensors.
    """
    kinds: tuple[str | None, ...] = (None,) if config_only else ("model*.safetensors", "pytorch_model*.bin")
    for weight_files in kinds:
        folder = _snapshot(hub_id, revision, [*TEXT_FILES, weight_files] if weight_files else [*TEXT_FILES])
        if weight_files is None or any(folder.glob(weight_files)):
            break
    return Place(folder, folder.name)


def _snapshot(hub_id: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns, ignore_patterns=["*/*"]))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(
            f"Expected the hub's files of {hub_id[:100]!r} at revision {revision or 'main'}, got "
            f"{' '.join(str(error).split())[:200]}. "
            "Check --models, the network, and access to gated repositories."
        ) from error
