"""Imports go one way, each heavy library has its owners, and the README's tree is true."""

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "jaxalign"
# A folder may import itself and what stands on a line before it; folders on one line do not import each other.
ORDER = [
    "types",
    "flag_rules flag_values languages reference",
    "config",
    "runtime flag_help",
    "models retrieval",
    "concepts embeddings alignment",
    "evaluation",
    "metrics",
    "report",
    "experiment export claim",
    "bench",
]
OWNERS = {
    "nltk": {"concepts"},
    "transformers": {"models", "embeddings"},
    "safetensors": {"models", "alignment"},
    "orbax": {"models", "embeddings"},
    "matplotlib": {"report", "experiment"},
    "absl": {"bench"},
    "wordfreq": {"concepts"},
    "rapidfuzz": {"concepts"},
    "langcodes": {"languages"},
    "ripser": set(),
    "jinja2": {"report"},
    "pandas": {"report"},
    "pyarrow": {"report"},
    "vl_convert": {"report"},
    "torch": {"models"},
    "faiss": set(),
    "sklearn": set(),
    "statsmodels": {"metrics"},
}
LEVEL = {name: number for number, line in enumerate(ORDER) for name in line.split()}
MOST_LINES, MOST_FILES, MOST_PARAMETERS = 300, 15, 8
FILES = sorted(PACKAGE.rglob("*.py"))


def folder_of(path: Path) -> str:
    """The folder of a file, or its own name where it stands at the top."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[tuple[str, str]]:
    """(library, folder of jaxalign or "") of every import in a file."""
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


def test_the_order_names_every_folder():
    there = {folder_of(path) for path in FILES} - {"__init__", "__main__"}
    assert there == set(LEVEL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    folder = folder_of(path)
    for library, other in imports(path):
        if library == "jaxalign" and other in LEVEL and folder not in ("__init__", "__main__"):
            below = LEVEL[other] < LEVEL[folder]
            assert below or other == folder, f"{folder} imports {other}, which does not stand before it"
        if library in OWNERS:
            assert folder in OWNERS[library], f"{folder} imports {library}"


def test_no_import_circle_between_files():
    names = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in FILES}
    graph = {}
    for name, path in names.items():
        froms = [
            node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)
        ]
        said = {f"{node.module}.{alias.name}" for node in froms for alias in node.names} | {
            node.module for node in froms
        }
        # A package's own __init__ only hands names on.
        graph[name] = {other for other in said if other in names and names[other].name != "__init__.py"} - {name}
    TopologicalSorter(graph).prepare()  # raises CycleError


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES


def test_folders_are_small():
    """One file per family is the exception."""
    for folder in {path.parent for path in FILES} - {PACKAGE / "models" / "families"}:
        assert len(list(folder.glob("*.py"))) <= MOST_FILES, folder


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_public_functions_take_few_parameters_and_return_no_bare_tuple(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__call__"):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            assert len([a for a in arguments if a.arg not in ("self", "cls")]) <= MOST_PARAMETERS, node.name
    members = [member for top in tree.body if isinstance(top, ast.ClassDef) for member in top.body]
    for node in [*tree.body, *members]:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and node.returns is not None:
            returned = ast.unparse(node.returns)
            assert not (returned.startswith("tuple[") and "..." not in returned), f"{node.name} returns {returned}"


def test_nothing_imports_the_command_line():
    assert not [path for path in FILES if ("jaxalign", "bench") in imports(path) and path.name != "__main__.py"]


def test_the_tree_in_the_readme_is_true():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"## The tree\n\n```\n(.*?)```", text, re.S).group(1)
    words = (word for line in tree.splitlines() if line.startswith("  ") for word in line.split()[:4])
    said = [word.rstrip("/") for word in words if word.endswith((".py", "/"))]
    there = sorted(path.name for path in PACKAGE.iterdir() if not path.name.startswith(("__", ".")))
    there.remove("py.typed")
    assert sorted(said) == there


def test_every_folder_of_the_package_has_its_tests():
    for folder in {path.relative_to(PACKAGE).parts[0] for path in FILES if path.parent != PACKAGE}:
        assert list((ROOT / "tests" / folder).rglob("test_*.py")), folder


TESTS = ROOT / "tests"
# Modules without a test file of their name -> the file that shows them at work, with the reason.
TESTED_IN = {
    "types": "whole_run/test_package.py",  # records without a function
}


def test_every_module_has_a_test_of_its_name():
    """`jaxalign/X/y.py` has `tests/X/test_y.py` (one folder deeper: either place), or is in the list above."""
    without = set()
    for path in FILES:
        name = path.relative_to(PACKAGE)
        places = {TESTS / name.parent, TESTS / name.parts[0]} if len(name.parts) > 1 else {TESTS}
        if not path.name.startswith("__") and not any((place / f"test_{path.name}").is_file() for place in places):
            without.add(name.as_posix())
    listed = {f"{name}.py" for name in TESTED_IN}
    assert without <= listed, f"without a test: {sorted(without - listed)}"
    assert listed <= without, f"have a test of their name, or are gone: {sorted(listed - without)}"
    for tests in TESTED_IN.values():
        assert (TESTS / tests).is_file(), tests


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: str(path.relative_to(TESTS)))
def test_helpers_are_not_imported_from_tests(path):
    """Nor is the folder of real data located anywhere but in conftest."""
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests"):
            names = [*node.module.split("."), *(alias.name for alias in node.names if node.module == "tests")]
            assert not [name for name in names if name.startswith("test_")], f"{path} imports from {node.module}"
    assert path.name == "conftest.py" or path == Path(__file__) or '/ "shared"' not in text


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150
