"""Hub ids: which files are asked for, at which revision, and the commit on record. No network: a stand-in."""

import json
import shutil

import huggingface_hub
import pytest
from safetensors.numpy import save_file

from jaxalign import models
from jaxalign.models.checkpoint.hub import full_commit, split_revision
from jaxalign.types import InputError
from tests.models.checkpoints import write
from tests.models.parity import random_tensors

CONFIG = dict(
    model_type="llama", vocab_size=31, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
    num_attention_heads=4, max_position_embeddings=64, rms_norm_eps=1e-5,
)  # fmt: skip
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub with one model; returns the calls made to it."""
    calls, store = [], tmp_path / "store"
    store.mkdir()
    (store / "config.json").write_text(json.dumps(CONFIG))
    save_file(random_tensors(CONFIG), store / "model.safetensors")
    for name in ("pytorch_model.bin", "consolidated.safetensors"):
        (store / name).write_bytes(b"not to be fetched")

    def snapshot(hub_id, *, revision, allow_patterns, ignore_patterns):
        calls.append((revision, tuple(allow_patterns)))
        if hub_id != "org/model":
            raise OSError(f"no such repository {hub_id}")
        folder = tmp_path / "snapshots" / COMMIT
        folder.mkdir(parents=True, exist_ok=True)
        for pattern in allow_patterns:
            for path in store.glob(pattern):
                shutil.copy(path, folder)
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    return calls, tmp_path / "snapshots" / COMMIT, store


def test_commit_is_resolved_and_kept(hub):
    calls, folder, _ = hub
    model = models.load_model("org/model", revision="v1")
    assert (model.name, model.revision, model.folder) == ("org/model", COMMIT, folder)
    assert [revision for revision, _ in calls] == ["v1", COMMIT]
    assert not (folder / "consolidated.safetensors").exists()
    assert not (folder / "pytorch_model.bin").exists()


def test_bin_only_where_there_are_no_safetensors(hub):
    calls, _, store = hub
    (store / "model.safetensors").unlink()
    with pytest.raises(InputError):
        models.load_model("org/model")
    assert [patterns[-1] for _, patterns in calls[1:]] == ["model*.safetensors", "pytorch_model*.bin"]


def test_random_weights_fetch_no_weights(hub):
    calls, folder, _ = hub
    models.load_model("org/model", weights="random")
    assert len(calls) == 1 and not list(folder.glob("*.safetensors"))


def test_cached_tree_needs_no_weights(hub, tmp_path):
    calls, folder, store = hub
    first = models.load_model("org/model", cache_dir=tmp_path / "cache")
    (folder / "model.safetensors").unlink()
    (store / "model.safetensors").unlink()
    again = models.load_model("org/model", cache_dir=tmp_path / "cache")
    assert again.digest == first.digest and len(calls) == 3


def test_unknown_ids_are_named(hub):
    with pytest.raises(InputError, match="org/other"):
        models.load_model("org/other")


def cache(tmp_path, commits=("0123456789abcdef0123456789abcdef01234567",)):
    """A folder of the hub's cache with snapshots, of which the first is main."""
    folder = tmp_path / "models--org--name"
    for commit in commits:
        (folder / "snapshots").mkdir(parents=True, exist_ok=True)
        write(folder / "snapshots" / commit)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text(commits[0])
    return folder


def test_a_folder_of_the_hubs_cache(tmp_path):
    commits = ("0123456789abcdef0123456789abcdef01234567", "abcdef0123456789abcdef0123456789abcdef01")
    folder = cache(tmp_path, commits)
    assert models.load_model(folder).revision == commits[0]
    assert models.load_model(folder, revision="abcdef0").revision == commits[1]
    with pytest.raises(InputError, match="hub id"):
        models.load_model(folder, revision="fffffff")


def test_a_short_commit_is_found_in_the_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    folder = cache(tmp_path)
    commit = next((folder / "snapshots").iterdir()).name
    assert full_commit("org/name", commit[:9]) == commit
    assert full_commit("org/name", "main") == "main" and full_commit("org/other", commit[:9]) == commit[:9]


def test_weights_that_are_not_in_the_cache(tmp_path):
    folder = cache(tmp_path)
    snapshot = next((folder / "snapshots").iterdir())
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(InputError, match=f"hf download org/name --revision {snapshot.name}"):
        models.load_model(snapshot)


def test_a_revision_behind_the_id(hub):
    calls, folder, _ = hub
    model = models.load_model("org/model@step1000")
    assert (model.name, model.revision, model.folder) == ("org/model@step1000", COMMIT, folder)
    assert [revision for revision, _ in calls] == ["step1000", COMMIT]
    with pytest.raises(InputError, match="both org/model@step1000 and --revision=main"):
        models.load_model("org/model@step1000", revision="main")
    for name in ("org/model@", "@step1000"):
        with pytest.raises(InputError, match="one revision"):
            models.load_model(name)


def test_a_step_behind_a_folder_is_a_folder_in_it(tmp_path):
    for step in ("step10", "step20"):
        write(tmp_path / step)
    assert split_revision(f"{tmp_path}@step10") == (str(tmp_path / "step10"), None)
    assert models.load_model(f"{tmp_path}@step20").folder == tmp_path / "step20"
    with pytest.raises(InputError, match=r"a folder step30 in .*; it holds step10, step20"):
        models.load_model(f"{tmp_path}@step30")
    odd = tmp_path / "me@home"
    write(odd)
    assert models.load_model(odd).folder == odd  # the name of a folder that is there
    cached = cache(tmp_path)
    commit = next((cached / "snapshots").iterdir()).name
    assert models.load_model(f"{cached}@{commit[:9]}").revision == commit


def test_chat_templates_are_fetched(hub):
    calls, folder, store = hub
    (store / "chat_template.jinja").write_text("{{ messages[0]['content'] }}!")
    models.load_model("org/model")
    assert "*.jinja" in calls[0][1] and (folder / "chat_template.jinja").is_file()
