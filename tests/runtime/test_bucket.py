"""A work folder in a bucket, against a stand-in for Google's server: kills, machines without a common disk, damage."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import zlib
from pathlib import Path

import pytest

from jaxalign.embeddings import vector_store
from jaxalign.experiment import result_cache
from jaxalign.runtime import bucket, bucket_runs, files
from jaxalign.types import InputError
from tests import small_run
from tests.child_processes import ended, free_port
from tests.runtime.gcs import Storage

URL = "gs://mine/deep/work"


def launch(place: Path, storage: Storage, machine: Path, *flags: str) -> subprocess.Popen:
    """A run on a machine of its own: what this session compiled, and the page's library, are there from before."""
    if (page := files.user_cache("page")).is_dir():
        shutil.copytree(page, machine / "jaxalign" / "page", dirs_exist_ok=True)
    environment = {**os.environ, **storage.environment, "XDG_CACHE_HOME": str(machine)}
    words = [word for word in small_run.command(place, Path("unused"), *flags) if "unused" not in word]
    if not any(word.startswith("--workdir") for word in flags):
        words.append(f"--workdir={URL}")
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def figures(storage: Storage, run: str, name: str = "mine", root: str = "deep/work/") -> str:
    """Digest of the rows of a run that the bucket says is finished, its files as it says they are."""
    objects = storage.objects[name]
    said = json.loads(objects[f"{root}names/{run}.json"][0])
    assert said["finished"]
    for file, (size, crc) in said["files"].items():
        data = objects[f"{root}{run}/{file}"][0]
        assert (len(data), zlib.crc32(data)) == (size, crc)
    return hashlib.sha256(objects[f"{root}{run}/results.parquet"][0]).hexdigest()


@pytest.mark.slow
def test_sigkill_and_another_machine_goes_on_from_the_bucket(place, storage, tmp_path):
    want = small_run.figures(place / "good")
    objects = storage.objects["mine"]
    with launch(place, storage, tmp_path / "first") as process:
        deadline = time.monotonic() + 120
        while sum("/chunks/" in key and key.endswith(".json") for key in list(objects)) < 2:
            assert process.poll() is None and time.monotonic() < deadline, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    assert not any(json.loads(objects[key][0])["finished"] for key in objects if "/names/" in key)
    committed = [key for key in objects if "/chunks/" in key and key.endswith(".json")]
    kept = {key: objects[key][1] for key in objects for chunk in committed if key.startswith(chunk[:-5])}

    ((status, out, err),) = ended([launch(place, storage, tmp_path / "second")])
    assert status == 0, err
    assert json.loads(out.splitlines()[-1])["run"] == f"{URL}/run-0002"  # the first number was the killed run's
    assert figures(storage, "run-0002") == want
    assert {key: objects[key][1] for key in kept} == kept  # what was committed has not been made again

    uploads = len([line for line in storage.log if line.startswith("POST")])
    ((status, _, err),) = ended([launch(place, storage, tmp_path / "third")])
    assert status == 0 and figures(storage, "run-0003") == want, err
    assert "embed" not in err.replace("embeddings", "")  # all was there
    after = [line for line in storage.log if line.startswith("POST")][uploads:]
    assert after and all("/run-0003/" in line or "/names/" in line for line in after)

    for key in [key for key in objects if key.endswith("/0.0") or key.endswith(".ranks")]:
        data, generation = objects[key]
        objects[key] = bytes([*data[:-1], data[-1] ^ 1]), generation
    ((status, _, err),) = ended([launch(place, storage, tmp_path / "fourth")])
    assert status == 0 and "damaged" in err and figures(storage, "run-0004") == want, err


@pytest.mark.slow
def test_two_processes_without_a_common_disk(place, storage, tmp_path):
    shared = (f"--coordinator=127.0.0.1:{free_port()}", "--num_processes=2", "--workdir=gs://other")
    both = [launch(place, storage, tmp_path / str(i), *shared, f"--process_id={i}") for i in range(2)]
    heard = ended(both)
    assert [status for status, *_ in heard] == [0, 0], heard
    assert figures(storage, "run-0001", "other", "") == small_run.figures(place / "good")
    again = ended([launch(place, storage, tmp_path / f"new{i}", *shared, f"--process_id={i}") for i in range(2)])
    assert [status for status, *_ in again] == [0, 0], again
    assert "embed" not in (again[0][2] + again[1][2]).replace("embeddings", "")


@pytest.mark.parametrize("url", ["s3://mine/work", "gs://", "gs://mine//work", "gs://mine/../work", "gs://absent/work"])
def test_a_place_that_is_no_bucket(place, storage, tmp_path, url):
    ((status, out, err),) = ended([launch(place, storage, tmp_path, f"--workdir={url}")])
    assert status == 2 and "--workdir" in err and not out, err


def test_a_bucket_that_cannot_be_written(place, storage, tmp_path):
    storage.failing = True
    try:
        ((status, out, err),) = ended([launch(place, storage, tmp_path)])
    finally:
        storage.failing = False
    assert status == 1 and "bucket" in err and "PERMISSION" in err and not out, err


def test_no_file_leaves_the_mirror(mirrors):
    one, two = mirrors
    folder = one / "spaces" / "entry" / "chunks" / "00000"
    commit = folder.with_suffix(".json")
    for name in ("../../../../x", "/etc/hostname"):
        commit.parent.mkdir(parents=True, exist_ok=True)
        commit.write_text(json.dumps({"vectors": 1, "files": {name: [1, 1]}, "plan": 0}))
        bucket.push([commit])
        commit.unlink()
        assert vector_store.committed(folder.parents[1], 1) == []
        assert not commit.exists() and {path.name for path in one.iterdir()} == {"spaces", bucket.MARK}
    with pytest.raises(InputError, match="within"):
        bucket.pull([folder / ".." / ".." / "x"])


def test_folders_that_are_no_mirrors_are_left_alone(tmp_path):
    (tmp_path / "a").write_text("a")
    bucket.push([tmp_path / "a"])
    assert bucket.pull([tmp_path / "b"]) is False and bucket.list_files(tmp_path) is None
    assert bucket.url_of(tmp_path) == str(tmp_path) and bucket_runs.claim(tmp_path, "") == ""
    assert result_cache.read(tmp_path / "none") is None
