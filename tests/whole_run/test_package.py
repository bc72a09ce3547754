"""The wheel holds what it needs and runs from an empty folder; import and help are quick to load."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def sources() -> set[str]:
    """Every file of the package, code and data."""
    paths = (path for path in (ROOT / "jaxalign").rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in paths}


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """A folder with the wheel and the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_wheel_holds_the_data(built):
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    demo = {f"jaxalign/data/demo/{name}" for name in ("config.json", "model.safetensors", "tokenizer.json")}
    data = {"jaxalign/data/lexicon.tsv", "jaxalign/data/templates.tsv", "jaxalign/data/paper.csv", "jaxalign/py.typed"}
    assert demo | data <= names
    assert sources() <= names
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
    assert wheel.stat().st_size < 6_000_000


def test_sdist_holds_the_sources(built):
    (sdist,) = built.glob("*.tar.gz")
    names = {name.split("/", 1)[1] for name in tarfile.open(sdist).getnames() if "/" in name}
    assert {
        "README.md",
        "LICENSE",
        "pyproject.toml",
        "benchmarks/quickstart.flags",
        "tests/whole_run/test_package.py",
    } <= names
    assert sources() | {"constraints/oldest.txt", "BUILD_NOTES.md", "tests/models/parity.py"} <= names
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "mkdocs.yml", "docs/paper.md"} <= names


def test_wheel_runs_from_an_empty_folder(built, tmp_path):
    (wheel,) = built.glob("*.whl")
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", f"--target={site}", wheel]
    subprocess.run(install, check=True, capture_output=True)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r}); import jaxalign;"
        f"assert jaxalign.__file__.startswith({str(site)!r});"
        "from jaxalign import bench; sys.exit(bench.main(['bench', '--languages=en,fr', '--embeddings=vanilla',"
        "'--retrieval=nn', '--settings=before,after', '--bootstrap=0']))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=empty, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert (empty / "runs" / "run-0001" / "report.html").stat().st_size > 10_000


HEAVY = ("jax", "jaxlib", "flax", "transformers", "matplotlib", "nltk", "torch", "orbax", "scipy")


@pytest.mark.parametrize("code", ["import jaxalign", "from jaxalign import bench; bench.main(['bench', '--help'])",
                                  "from jaxalign import bench; bench.main(['bench', '--k=0'])"])  # fmt: skip
def test_import_help_and_a_wrong_flag_load_nothing_heavy(code):
    """What keeps the import under 0.2 s and --help under 2 s, measured 0.001 s and 0.3 s."""
    code = f"import sys; {code}; sys.exit(','.join(name for name in {HEAVY} if name in sys.modules) or 0)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_help_tells_exit_statuses_bounds_and_units(capsys):
    from jaxalign import bench

    assert bench.main(["bench", "--helpfull"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Exit status: 0 done; 1 failed (" in said and "2 wrong flag or wrong input" in said
    assert "--csls_k=10 neighbours in the CSLS mean (1 or more)" in said
    assert "--memory_budget=4.0 GiB" in said and "(0.01 to 1,000,000)" in said


def test_installed_requirements_are_met():
    """What `pip check` asks, for this package alone: an environment may hold others that are at odds."""
    from packaging.requirements import Requirement

    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    for text in wanted:
        requirement = Requirement(text)
        assert requirement.specifier.contains(metadata.version(requirement.name), prereleases=True), text


def test_constraints_pin_the_lower_bounds():
    """The versions tested as the oldest are within what pyproject.toml allows, and of every dependency with a pin."""
    from packaging.requirements import Requirement

    path = ROOT / "constraints" / "oldest.txt"
    pins = [Requirement(line) for line in path.read_text().splitlines() if line and not line.startswith("#")]
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    bounds = {Requirement(text).name: Requirement(text).specifier for text in wanted}
    assert set(bounds) <= {pin.name for pin in pins}
    for pin in pins:
        ((version, exact),) = [(one.version, one.operator) for one in pin.specifier]
        assert exact == "==" and (pin.name not in bounds or bounds[pin.name].contains(version)), pin


def test_public_ci_runs_the_readmes_commands():
    """Lint, types and the README's own test command, on every listed Python and with the oldest versions."""
    yaml = pytest.importorskip("yaml")
    path = ROOT / ".github" / "workflows" / "ci.yml"
    if not path.is_file():
        pytest.skip("the source distribution holds no .github")
    job = yaml.safe_load(path.read_text())["jobs"]["test"]
    runs = [step["run"] for step in job["steps"] if "run" in step]
    readme = (ROOT / "README.md").read_text()
    (command,) = re.findall(r"^pip install .*test.* && (python -m pytest.*)$", readme, re.MULTILINE)
    assert command in runs and {"ruff check .", "mypy"} <= set(runs)
    assert set(job["strategy"]["matrix"]["python"]) == {"3.11", "3.12", "3.13", "3.14"}
    for extra in re.findall(r"\.\[([\w,]+)\]", " ".join(runs)):
        known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        assert set(extra.split(",")) <= set(known)
    text = (ROOT / "pyproject.toml").read_text()
    assert set(re.findall(r"Python :: (3\.\d+)", text)) == set(job["strategy"]["matrix"]["python"])
    for constraints in filter(None, job["strategy"]["matrix"]["constraints"]):
        assert (ROOT / constraints).is_file()


def test_a_typed_consumer_is_checked_against_the_package(tmp_path):
    """Right use of the records passes, wrong use is found; with the cache of `mypy` on the package itself."""
    pytest.importorskip("mypy")
    right = "from jaxalign.types import Split\nfrom jaxalign.config import Config\n"
    (tmp_path / "right.py").write_text(right + "k: tuple[int, ...] = Config(k=(1, 5)).k\nx = Split(('a',), ('b',))\n")
    (tmp_path / "wrong.py").write_text(right + "k: str = Config().csls_k\nx = Split(1, 2)\n")
    command = [sys.executable, "-m", "mypy", tmp_path / "right.py", tmp_path / "wrong.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    found = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(found) == 3 and all("wrong.py" in line for line in found), done.stdout + done.stderr


def test_every_test_of_the_fault_table_exists():
    table = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    rows = [line.split("|")[3] for line in table.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 20
    code = {path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "tests").rglob("test_*.py")}
    for row in rows:
        files = [name for name in re.findall(r"[\w/]*test_\w+\.py", row)]
        assert all(any(path.endswith(name) for path in code) for name in files), row
        names = re.findall(r"(?<![\w/])(test_\w+)(?!\w*\.py)", row)
        assert files or names, row
        for name in names:
            assert any(f"def {name}(" in text for text in code.values()), name


def test_no_torch_in_the_package():
    for path in (ROOT / "jaxalign").rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith(("import torch", "from torch")):
                assert path.name == "files.py" or "weights" in path.name, f"{path}: {line}"
                assert line.startswith(" "), "torch may only be imported where a .bin file asks for it"
