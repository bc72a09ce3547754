"""`import jaxalign` alone gives the public names, lazily, and the README's example runs as printed."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import jaxalign

ROOT = Path(__file__).resolve().parents[2]


def readme_example() -> str:
    """The one Python example of the README."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    return code


def test_the_readmes_example_runs_as_printed(tmp_path, monkeypatch, capsys):
    code = readme_example()
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(code, "README.md", "exec"), names)
    shown = capsys.readouterr().out.split("\n\n")[0].splitlines()[:3]
    numbers = np.array([re.findall(r"\d\.\d*", line) for line in shown], float)
    said = np.array([re.findall(r"\d\.\d*", line) for line in re.findall(r"^# (.*\].*)$", code, re.M)], float)
    assert said.shape == numbers.shape == (3, 3)
    np.testing.assert_allclose(numbers, said, atol=0.02)  # two of 122 queries may fall the other way elsewhere
    assert set(names["ranks"]) == {"before", "after"}
    assert names["ranks"]["after"].shape == (3, 3, 122) and names["ranks"]["after"].dtype.kind == "i"
    assert [states.shape for states in names["states"]] == [(5, 3, 96), (5, 1, 96)]
    assert (names["folder"] / "report.html").is_file()
    assert {"metric", "value", "low", "high"} <= set(names["table"].columns)


def test_public_names_are_there_and_documented():
    assert set(jaxalign.__all__) == {
        "Config", "apply_map", "embed", "hidden_states", "load_model", "precision_at", "rank", "read_results", "run",
    }  # fmt: skip
    assert set(jaxalign.__all__) <= set(dir(jaxalign))
    for name in jaxalign.__all__:
        assert getattr(jaxalign, name).__doc__, name
        assert name in jaxalign.__doc__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'embedd'"):
        jaxalign.embedd  # noqa: B018


def test_each_name_is_imported_at_its_first_use_only():
    code = (
        "import sys, jaxalign; assert 'jax' not in sys.modules and 'numpy' not in sys.modules;"
        "jaxalign.Config; assert 'jax' not in sys.modules; jaxalign.precision_at; jaxalign.rank;"
        "assert 'jax' in sys.modules and 'transformers' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_typed_consumer_sees_the_types_of_the_public_names(tmp_path):
    """Right use passes mypy, wrong use is found: the names are not `Any`."""
    pytest.importorskip("mypy")
    (tmp_path / "right.py").write_text(
        "import jaxalign\nconfig = jaxalign.Config(k=(1, 5))\nk: tuple[int, ...] = config.k\n"
        "texts = jaxalign.embed(jaxalign.load_model('demo'), ['dog'])\nwidth: int = texts.shape[-1]\n"
    )
    (tmp_path / "wrong.py").write_text(
        "import jaxalign\njaxalign.load_model('demo', dtypo='float32')\nk: str = jaxalign.Config().csls_k\n"
        "jaxalign.embed('demo', ['dog'])\njaxalign.precision(1)\n"
    )
    command = [sys.executable, "-m", "mypy", tmp_path / "right.py", tmp_path / "wrong.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    errors = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(errors) == 4 and all("wrong.py" in line for line in errors), done.stdout + done.stderr
