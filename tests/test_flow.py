"""Imports go one way, each heavy library has its owners, and the README's tree is true."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "jaxalign"
# A room may import what stands before it; a line is a room, its files in any order.
ROOMS = [
    "types",
    "timing rundir config devices hosts bucket",
    "lemmas corpora wordlist wordnet concepts traits controls",
    "prompts tokens prefixes batches",
    "models",
    "extract embed store spaces vec",
    "threads complete align directed generalised frames neighbours retrieve onesweep bfloat pairing pools checks mesh "
    "evaluate dictionary isometry",
    "score compare report",
    "rankfile combine facts measure_embed measure_kernels",
    "sources study translate pipeline",
    "bench",
]
OWNERS = {
    "nltk": {"corpora", "wordnet", "wordlist", "concepts", "traits"},
    "transformers": {"models", "tokens"},
    "safetensors": {"models"},
    "orbax": {"models", "store"},
    "matplotlib": {"report", "measure_kernels", "measure_embed"},
    "absl": {"bench"},
    "wordfreq": {"traits"},
    "ripser": {"isometry"},
    "torch": {"models"},
    "faiss": set(),
    "sklearn": set(),
}


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[tuple[str, str]]:
    """(library, room of jaxalign or "") of every import in a file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        found |= {(name.split(".")[0], name.split(".")[1] if "." in name else "") for name in names}
    return found


FILES = sorted(path for path in PACKAGE.rglob("*.py"))


def test_every_file_has_a_room():
    known = {name for line in ROOMS for name in line.split()} | {"__init__"}
    assert {room_of(path) for path in FILES} <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    level = {name: number for number, line in enumerate(ROOMS) for name in line.split()}
    room = room_of(path)
    for library, other in imports(path):
        if library == "jaxalign" and other in level and room != "__init__":
            assert level[other] <= level[room], f"{room} imports {other}, which stands after it"
        if library in OWNERS:
            assert room in OWNERS[library], f"{room} imports {library}"


def test_nothing_imports_the_command_line():
    assert not [path for path in FILES if ("jaxalign", "bench") in imports(path)]


def test_the_tree_in_the_readme_is_true():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"## The tree\n\n```\n(.*?)```", text, re.S).group(1)
    words = (word for line in tree.splitlines() if line.startswith("  ") for word in line.split())
    said = [word.rstrip("/") for word in words if word.endswith((".py", "/"))]
    there = sorted(path.name for path in PACKAGE.iterdir() if not path.name.startswith(("__", ".")))
    there.remove("py.typed")
    assert sorted(said) == there


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150
