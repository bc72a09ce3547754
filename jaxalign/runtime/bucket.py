"""A work folder in a Google Cloud Storage bucket: a private local folder whose finished files are copied to the bucket.

`gs://BUCKET/PATH` stands for a local folder, the mirror, that holds the URL in the file `.bucket`. What is finished
there (a chunk, an entry, ranks, a run) is copied to the bucket, the file that marks it as complete last; what is absent
locally is looked up in the bucket, and again the mark is written last, so that a kill on either side never leaves
something that looks finished. Readers check what they get by the checksums in the marks. The transport is tensorstore,
which Orbax uses too. Folders that are not mirrors are left unchanged by every function here.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.runtime import files
from jaxalign.runtime.log import LOGGER
from jaxalign.types import InputError

FIRST_ANSWER_SECONDS = 30.0
MARK = ".bucket"  # the file of a mirror that holds its URL


class Mirror(NamedTuple):
    """A local folder, the URL that it stands for, and tensorstore's access to it."""

    root: Path
    url: str
    store: Any

    def key(self, path: Path) -> str:
        """Name in the bucket of a file of the mirror; InputError for a path that leaves the mirror."""
        if ".." in path.parts:
            raise InputError(f"Expected file names within the work folder, got {path}. Remove that entry.")
        return path.relative_to(self.root).as_posix()


def is_url(workdir: str) -> bool:
    """Whether a work folder lies in a bucket; InputError for a URL of another kind."""
    if "://" not in workdir:
        return False
    scheme, _, rest = workdir.partition("://")
    name = rest.split("/")[0]
    parts = rest.rstrip("/").split("/")
    if scheme != "gs" or not name or not name.isascii() or any(part in ("", ".", "..") for part in parts):
        raise InputError(f"Expected --workdir as a folder or as gs://BUCKET/PATH, got {workdir!r}.")
    return True


def make_mirror(url: str) -> Path:
    """The local folder that stands for `gs://BUCKET/PATH`; InputError where the bucket does not answer."""
    import tensorstore

    url = url.rstrip("/") + "/"
    root = (files.user_cache("work") / hashlib.sha256(url.encode()).hexdigest()[:16]).absolute()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    few_retries = tensorstore.Context({"gcs_request_retries": {"max_retries": 3, "max_delay": "1s"}})
    try:
        probe = tensorstore.KvStore.open(url, context=few_retries).result()
        probe.list(_key_range("names/")).result(timeout=FIRST_ANSWER_SECONDS)
    except (ValueError, RuntimeError, OSError) as error:
        raise InputError(
            f"Expected --workdir to be a bucket that answers, got {url}: {_one_line(error)}. Correct its name, check "
            "the network and your rights (gcloud auth application-default login), or give a folder."
        ) from error
    files.write_text(root / MARK, url)
    LOGGER.info("jaxalign: %s is mirrored in %s", url, root)
    return root


def mirror_of(path: Path) -> Mirror | None:
    """The mirror that a path lies in, or None."""
    for folder in (path, *path.parents):
        if (folder / MARK).is_file():
            url = (folder / MARK).read_text("utf-8").strip()
            return Mirror(folder, url, open_store(url))
    return None


@lru_cache(maxsize=8)
def open_store(url: str) -> Any:
    """Tensorstore's key-value store of a URL, which keeps its connections open."""
    import tensorstore

    return tensorstore.KvStore.open(url).result()


def push(paths: Sequence[Path]) -> None:
    """Copies files to the bucket, the last one when all the others are there."""
    mirror = mirror_of(paths[-1]) if paths else None
    if mirror:
        wait_for([mirror.store.write(mirror.key(path), path.read_bytes()) for path in paths[:-1]], "write")
        wait_for([mirror.store.write(mirror.key(paths[-1]), paths[-1].read_bytes())], "write")


def pull(paths: Sequence[Path]) -> bool:
    """Copies files from the bucket over the local ones, the last one at the end; False, and none, if one is absent."""
    mirror = mirror_of(paths[-1]) if paths else None
    if mirror is None:
        return False
    results = wait_for([mirror.store.read(mirror.key(path)) for path in paths], "read")
    if any(result.state != "value" for result in results):
        return False
    for path, result in zip(paths, results, strict=True):
        write_private(path, bytes(result.value))
    return True


def list_files(folder: Path) -> set[str] | None:
    """Paths of all files under a folder in the bucket, relative to it; None where the folder is not in a mirror."""
    mirror = mirror_of(folder)
    if mirror is None:
        return None
    prefix = "" if folder == mirror.root else mirror.key(folder) + "/"
    (keys,) = wait_for([mirror.store.list(_key_range(prefix))], "list")
    return {key.decode()[len(prefix) :] for key in keys}


def url_of(path: Path) -> str:
    """The URL that a path of a mirror stands for, or the path itself."""
    mirror = mirror_of(path)
    return mirror.url + mirror.key(path) if mirror else str(path)


def write_private(path: Path, data: bytes) -> None:
    """Writes a file of a mirror and the folders it needs, for their owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.write_bytes(path, data, mode=0o600)


def wait_for(futures: Sequence[Any], action: str) -> list[Any]:
    """Results of the store; OSError where the bucket fails."""
    try:
        return [future.result() for future in futures]
    except (ValueError, RuntimeError) as error:
        raise OSError(f"the bucket of --workdir does not {action}: {_one_line(error)}") from error


def _key_range(prefix: str) -> Any:
    import tensorstore

    return tensorstore.KvStore.KeyRange(prefix, prefix[:-1] + "0") if prefix else None  # "0" follows "/"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
