"""What --help, --helpfull and --version print. Loads no other library, so that they answer at once."""

from dataclasses import Field, fields
from importlib import metadata
from platform import python_version

import jaxalign
from jaxalign.config import Config
from jaxalign.flag_rules import GROUPS, shown
from jaxalign.flag_values import INT32

START = """\
How well do the concept spaces of multilingual language models align?

Start here:
  jaxalign --quickstart                                      a toy model and a small lexicon, two minutes, no network
  jaxalign --models=FOLDER-or-hub-id --concepts=wordnet      your own model over WordNet (see README.md)
  jaxalign --models=FOLDER --concepts=LIST.tsv --languages=en,de
  jaxalign --spaces=FOLDER                                   vectors that you have: one LANGUAGE.vec file per language
  python -m jaxalign.report runs/run-0001 runs/run-0002 --out=DIR      several runs in one page
"""
# The flags that --help explains; --helpfull explains all.
FIRST = (
    "models spaces concepts languages split embeddings pooling layers dtype model_parallel settings retrieval "
    "normalize k controls dictionary seed_dictionary workdir"
).split()
END = """\
  --flagfile=PATH
        reads flags from a file, one per line; # starts a comment; flags of the command line replace those of the file
  --quickstart
        the flags of the quickstart; other flags of the command line replace them
  --verbosity=0
        messages on stderr: 0 all, -1 warnings and errors, 1 also debugging
  --help, --helpfull, --version

Exit status: 0 done; 1 failed (out of memory, disk, lost process); 2 wrong flag or wrong input, with one sentence that
says what to change; 130 interrupted (Ctrl-C); 143 terminated (SIGTERM). After 1, 130 and 143 the same command goes on
from the finished spaces and ranks."""


def text(full: bool = False) -> str:
    """The help: the most used flags of every group, or with `full` all of them."""
    options = {option.name: option for option in fields(Config)}
    lines = [START, "Flags, with their defaults (comma lists; bool flags also as --flag and --noflag):"]
    for group, names in GROUPS.items():
        wanted = [options[name] for name in names if full or name in FIRST]
        lines += ["", f"{group}:"] if wanted else []
        for option in wanted:
            lines += [
                f"  --{option.name}={shown(option.default)}",
                f"        {option.metadata['help']}{_bounds(option)}",
            ]
    hidden = "" if full else f"\n{len(options) - len(FIRST)} more flags: jaxalign --helpfull\n"
    return "\n".join([*lines, "", "Other:", END, hidden]).rstrip("\n")


def _bounds(option: Field) -> str:
    low, high = option.metadata["bounds"] or (None, None)
    if low is None:
        return ""
    return f" ({low} or more)" if high == INT32 else f" ({low} to {high:,.0f})"


def version() -> str:
    """The versions of this package, of Python and of the libraries that decide its figures."""
    parts = [f"jaxalign {jaxalign.__version__}", f"Python {python_version()}"]
    for library in ("jax", "jaxlib", "flax", "numpy", "transformers"):
        try:
            parts.append(f"{library} {metadata.version(library)}")
        except metadata.PackageNotFoundError:
            parts.append(f"{library} not installed")
    return ", ".join(parts)
