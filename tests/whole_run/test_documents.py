"""What the documents say is true: the files and tests that they name exist, versions agree, hooks and markers work."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jaxalign

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "BUILD_NOTES.md", *sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md") if path.name != "log.md"
)]  # fmt: skip


def named_paths(text: str) -> set[str]:
    """Paths of files in the package, the tests and the benchmarks that a document names between backticks."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))
    words = {word for span in spans for word in span.split()}
    paths = {word for word in words if re.fullmatch(r"(jaxalign|tests|benchmarks|docs|constraints)/[\w./:-]+", word)}
    return {path for path in paths if not re.search("[A-Z]{4}", path) or (ROOT / path).exists()}  # no placeholders


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_and_tests_that_a_document_names_exist(document):
    for name in named_paths((ROOT / document).read_text(encoding="utf-8")):
        path, _, test = name.partition("::")
        assert (ROOT / path).exists(), f"{document} names {name}"
        if test:
            assert f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{document} names {name}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_between_documents_lead_somewhere(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / document).parent / target).exists(), f"{document} links to {target}"


def test_the_three_questions_are_answered_where_the_answer_says():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    answers = text.split("## Three questions", 1)[1].split("\n## ", 1)[0]
    csls, pooling, resume = answers.split("- **")[1:]
    (first, *_) = named_paths(csls) - {"jaxalign/reference.py"}
    assert "csls" in (ROOT / first).read_text(encoding="utf-8").lower()
    (packing,) = named_paths(pooling)
    assert "POOLINGS" in (ROOT / packing).read_text(encoding="utf-8")
    assert any("::" in name for name in named_paths(resume))


def test_the_citation_names_this_version():
    yaml = pytest.importorskip("yaml")
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == jaxalign.__version__
    assert {"cff-version", "title", "authors", "message", "license"} <= set(cited)


def test_the_hooks_before_a_commit_are_ruff_and_mypy_of_the_environment():
    yaml = pytest.importorskip("yaml")
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    assert [hook["id"] for hook in repository["hooks"]] == ["ruff", "mypy"]
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_the_changelog_has_a_section_for_what_is_not_released():
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_flags_that_a_document_names_exist():
    from dataclasses import fields

    from jaxalign.config import Config

    known = {option.name for option in fields(Config)} | {"flagfile", "help", "helpfull", "version", "verbosity"}
    for document in ("docs/paper.md", "CONTRIBUTING.md"):
        spans = re.findall(r"`(--[^`]+)`", (ROOT / document).read_text(encoding="utf-8"))
        named = {name for span in spans for name in re.findall(r"^--(\w+)", span)}
        assert named <= known, f"{document} names {named - known}"


NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_holds_its_outputs(path, tmp_path, monkeypatch):
    """The code cells, in order, in an empty folder; the committed notebook was executed without an error."""
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert not [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert path.stat().st_size < 200_000
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    for number, cell in enumerate(cells, 1):
        exec(compile("".join(cell["source"]), f"{path.name}, cell {number}", "exec"), names)


def test_the_documentation_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    for plugin in ("material", "mkdocstrings", "mkdocs_jupyter"):
        pytest.importorskip(plugin)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", f"--site-dir={tmp_path}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for page in ("index.html", "paper/index.html", "reference/retrieval/index.html"):
        assert (tmp_path / page).is_file(), page


def test_the_readme_shows_a_picture_of_the_report_near_its_top():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (name,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", "\n".join(lines[:12]))
    picture = (ROOT / name).read_bytes()
    assert picture.startswith(b"\x89PNG") and len(picture) < 300_000


def test_the_readmes_input_files_are_read(tmp_path):
    """The concept list, the templates and the .vec file of the README, three lines each, written out and read."""
    from jaxalign.concepts import dataset
    from jaxalign.embeddings import prompts, word2vec_format

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```\n(id +kind.*?)```", text, re.S).group(1).splitlines()
    starts = [0, block[0].index("name "), block[0].index("2 3"), None]
    parts = [[line[a:b].strip() for line in block] for a, b in zip(starts, starts[1:], strict=False)]
    for name, part in zip(("mine.tsv", "prompts.tsv"), parts, strict=False):
        table = "\n".join(re.sub(r" {2,}", "\t", line) for line in part)
        (tmp_path / name).write_text(table + "\n", encoding="utf-8")
    (tmp_path / "en.vec").write_text("\n".join(parts[2]) + "\n", encoding="utf-8")
    assert dataset.load(str(tmp_path / "mine.tsv"), ("en", "de")).words["de"] == ("Hund", "Hoffnung")
    assert set(prompts.load(tmp_path / "prompts.tsv")) == {"mine", "dict"}
    keys, spaces = word2vec_format.read_folder(tmp_path)
    assert tuple(keys) == ("dog", "hope") and spaces["en"].shape == (2, 3)


def test_the_list_of_fast_tests_names_what_exists():
    from tests.conftest import FAST, TESTS

    for name in FAST:
        assert list(TESTS.glob(f"{name}*")), name
