"""The folder of a model: given as a path, fetched from the Hugging Face hub, or packaged."""

import os
import re
from pathlib import Path
from typing import NamedTuple

from jaxalign.types import InputError

# Config, tokenizer, chat template, the pooling of a sentence-transformers model; a LoRA adapter, which is small.
TEXT_FILES = ("*.json", "*.model", "*.txt", "*.jinja", "adapter_model.safetensors")
WEIGHT_FILES = ("model*.safetensors", "pytorch_model*.bin")
SHORT_COMMIT = re.compile("[0-9a-f]{7,39}")


class Place(NamedTuple):
    """A folder on this machine, and the commit that it holds if it came from the hub."""

    folder: Path
    commit: str | None


class Named(NamedTuple):
    """A model as --models names it: folder, file or hub id, and the revision after "@" or of --revision."""

    name: str
    revision: str | None


def split_revision(path_or_hub_id: str | Path, revision: str | None = None) -> Named:
    """Returns the id and the revision of `org/name@step1000`, the folder FOLDER/step1000 of FOLDER@step1000.

    Any other name is returned with `revision`, and so is the name of a folder or file that is there. Raises InputError
    where there are two revisions, an empty one, or no such sub-folder.
    """
    name = str(path_or_hub_id)
    base, mark, own = name.rpartition("@")
    if not mark or len(name) >= 4096 or os.path.exists(name):
        return Named(name, revision)
    if revision is not None or not own or not base:
        got = f"both {name} and --revision={revision}" if revision is not None else repr(name)
        raise InputError(f"Expected one revision, as in --models=org/name@step1000 or --revision, got {got}. Drop one.")
    if not os.path.isdir(base) or _is_cache(Path(base)):
        return Named(base, own)
    if not os.path.isdir(os.path.join(base, own)):
        there = sorted(path.name for path in Path(base).iterdir() if (path / "config.json").is_file())
        raise InputError(
            f"Expected a folder {own} in {base} with --models={name}, got none; "
            f"it holds {', '.join(there) or 'no model'}. Change --models."
        )
    return Named(os.path.join(base, own), None)


def _is_cache(folder: Path) -> bool:
    return (folder / "snapshots").is_dir() and not (folder / "config.json").is_file()


def demo_path() -> Path:
    """Returns the folder of the packaged demo model, what `load_model("demo")` reads."""
    return Path(__file__).parents[2] / "data" / "demo"


def locate(path_or_hub_id: str | Path, revision: str | None, *, config_only: bool = False) -> Place:
    """Returns the local folder, and for a hub id the commit that `revision` stands for.

    A folder `models--org--name` of the hub's cache stands for the snapshot of `revision` in it (default: main). The
    revision may also stand behind the name, `org/name@revision`; see `split_revision`.
    """
    path_or_hub_id, revision = split_revision(path_or_hub_id, revision)
    demo = str(path_or_hub_id) == "demo"
    folder = demo_path() if demo else Path(path_or_hub_id)
    if len(str(path_or_hub_id)) < 4096 and (demo or os.path.isdir(folder)):
        if _is_cache(folder):
            return snapshot_in(folder, revision)
        if revision is not None:
            raise InputError(f"Expected a hub id with --revision, got {path_or_hub_id}. Leave --revision out.")
        return Place(folder, None)
    if not str(path_or_hub_id).count("/") <= 1 or str(path_or_hub_id).startswith((".", "~", "/")):
        raise InputError(f"Expected a folder or a hub id, got {str(path_or_hub_id)!r}. Change --models.")
    return download(str(path_or_hub_id), revision, config_only)


def snapshot_in(cache: Path, revision: str | None) -> Place:
    """Returns the snapshot of a branch, tag, commit or the beginning of a commit in a folder of the hub's cache."""
    name = revision or "main"
    ref = cache / "refs" / name
    commit = ref.read_text(encoding="utf-8").strip() if ref.is_file() else name
    there = sorted(path for path in (cache / "snapshots").iterdir() if path.is_dir())
    chosen = [path for path in there if path.name.startswith(commit)]
    if revision is None and len(there) == 1:
        chosen = there
    if len(chosen) != 1:
        raise InputError(
            f"Expected one snapshot of revision {name!r} in {cache}, got {len(chosen)}; it has "
            f"{', '.join(path.name for path in there) or 'none'}. Give --models the hub id, or one of these folders."
        )
    return Place(chosen[0], chosen[0].name)


def download(hub_id: str, revision: str | None, config_only: bool) -> Place:
    """Returns the folder and commit of a hub id; takes .bin only where there are no safetensors.

    "model*", since some repositories hold the weights once more as consolidated.safetensors.
    """
    revision = full_commit(hub_id, revision)
    kinds: tuple[str | None, ...] = (None,) if config_only else WEIGHT_FILES
    for weight_files in kinds:
        patterns = [*TEXT_FILES] if weight_files is None else [*TEXT_FILES, weight_files]
        folder = _snapshot(hub_id, revision, patterns)
        if weight_files is None or any(folder.glob(weight_files)):
            break
    return Place(folder, folder.name)


def full_commit(hub_id: str, revision: str | None) -> str | None:
    """Returns the whole commit for the beginning of one that is in the hub's cache; any other revision unchanged."""
    from huggingface_hub import constants

    if revision is None or not SHORT_COMMIT.fullmatch(revision):
        return revision
    snapshots = Path(constants.HF_HUB_CACHE) / f"models--{hub_id.replace('/', '--')}" / "snapshots"
    commits = [path.name for path in snapshots.glob(f"{revision}*")] if snapshots.is_dir() else []
    return commits[0] if len(commits) == 1 else revision


def _snapshot(hub_id: str, revision: str | None, patterns: list[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        ignored = ["onnx/*", "openvino/*", "checkpoint-*/*"]
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=patterns, ignore_patterns=ignored))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        short = revision is not None and SHORT_COMMIT.fullmatch(revision)
        raise InputError(
            f"Expected the hub's files of {hub_id[:100]!r} at revision {revision or 'main'}, got "
            f"{' '.join(str(error).split())[:200]}. "
            + ("Give the whole commit, 40 digits. " if short else "")
            + "Check --models, the network, and access to gated repositories."
        ) from error


def missing_weights(folder: Path) -> InputError:
    """Returns the error for a folder without weights, which names the remedy for a snapshot in the hub's cache."""
    if folder.parent.name == "snapshots":
        name = folder.parents[1].name.removeprefix("models--").replace("--", "/")
        return InputError(
            f"Expected the weights of {name} in the hub's cache, got only its config and tokenizer in {folder}. "
            f"Fetch them while the network is there: hf download {name} --revision {folder.name}"
        )
    return InputError(
        f"Expected model.safetensors, its index, or pytorch_model.bin in {folder}, got none. "
        "Give --models a folder in Hugging Face format."
    )
