"""The library of the page's explorer: Vega, Vega-Lite and Vega-Embed as one script, as vl-convert ships them.

It is 0.9 MB of text and 0.4 MB in the page. Putting it together takes more than a second, so the result is kept in the
user's cache, one file for each version of vl-convert.
"""

import base64
import contextlib
import gzip
import subprocess
import sys
import zlib
from functools import cache
from importlib import metadata

from jaxalign.report.page import explorer_data
from jaxalign.runtime import files

_PROGRAM = "import sys, vl_convert; sys.stdout.buffer.write(vl_convert.javascript_bundle().encode())"


@cache
def packed() -> str:
    """The script as base64 of compressed text, from the cache where it is there and whole."""
    path = files.user_cache("page") / f"vega-{metadata.version('vl-convert-python')}.txt"
    with contextlib.suppress(OSError, ValueError, EOFError, zlib.error):  # absent, unreadable or damaged
        kept = path.read_text("ascii")
        if gzip.decompress(base64.b64decode(kept, validate=True)):
            return kept
    made = _make()
    with contextlib.suppress(OSError):  # a cache that cannot be written costs a second, not the page
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write_text(path, made, 0o600)
    return made


def _make() -> str:
    """The script, from a process of its own: vl_convert holds Python's lock for all of the second that it takes."""
    with contextlib.suppress(OSError):  # where no process may be started
        command = (sys.executable or "python3", "-P", "-c", _PROGRAM)  # -P: nothing is imported from the current folder
        made = subprocess.run(command, capture_output=True, check=False)
        if made.returncode == 0 and made.stdout:
            return explorer_data.packed_text(made.stdout.decode())
    import vl_convert

    return explorer_data.packed_text(vl_convert.javascript_bundle())  # type: ignore[call-arg]  # the stub misses a default
