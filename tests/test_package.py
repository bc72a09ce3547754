"""The wheel holds what it needs and runs from an empty folder; import and help are quick to load."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


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
    assert not any(name.startswith(("tests/", "benchmarks/")) for name in names)
    assert wheel.stat().st_size < 6_000_000


def test_sdist_holds_the_sources(built):
    (sdist,) = built.glob("*.tar.gz")
    names = {name.split("/", 1)[1] for name in tarfile.open(sdist).getnames() if "/" in name}
    assert {"README.md", "LICENSE", "pyproject.toml", "benchmarks/quickstart.flags", "tests/test_package.py"} <= names


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


def test_import_is_light():
    heavy = ("jax", "numpy", "transformers", "nltk")
    code = f"import sys, jaxalign; sys.exit(any(name in sys.modules for name in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_no_torch_in_the_package():
    for path in (ROOT / "jaxalign").rglob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip().startswith(("import torch", "from torch")):
                assert path.name == "files.py" or "weights" in path.name, f"{path}: {line}"
                assert line.startswith(" "), "torch may only be imported where a .bin file asks for it"
