"""The folder of the user's own cache: $XDG_CACHE_HOME or ~/.cache, and in it jaxalign."""

import os
from pathlib import Path


def folder(name: str) -> Path:
    """The path of one part of the cache, which need not exist."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jaxalign" / name
