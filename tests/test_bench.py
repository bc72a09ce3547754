"""From the words of a command line to a config, or to exit status 2 with a sentence."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jaxalign import bench
from jaxalign.config import Config


def test_defaults_and_flagfile_order(tmp_path):
    path, other = tmp_path / "a.flags", tmp_path / "b.flags"
    other.write_text("--csls_k=3\n--bootstrap=0\n")
    path.write_text(f"# comment\n--flagfile={other}\n--csls_k=5\n--k=1,2\n")
    for words in ([f"--flagfile={path}", "--csls_k=7"], ["--csls_k=7", f"--flagfile={path}"],
                  ["--csls_k=2", "-flagfile", str(path), "--csls_k=7"]):  # fmt: skip
        config = bench.config_from(["bench", *words])
        assert (config.csls_k, config.k, config.bootstrap) == (7, (1, 2), 0)
    both = [f"--flagfile={other}", f"--flagfile={path}"]
    assert [bench.config_from(["bench", *each]).csls_k for each in (both, both[::-1])] == [5, 3]
    assert bench.config_from(["bench"]) == Config()
    path.write_text("")
    assert bench.config_from(["bench", f"--flagfile={path}"]) == Config()


@pytest.mark.parametrize("argv", [["--nothing=1"], ["word"], ["--flagfile=/does/not/exist"], ["--csls_k"],
                                  ["--flagfile=/"], ["--flagfile="], ["--flagfile"], ["--k", "--scale=maybe"],
                                  ["--"], ["--="], ["-"], [""]])  # fmt: skip
def test_wrong_command_lines(argv, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = bench.main(["bench", *argv, "--models="])  # an empty --models ends whatever is let through
    heard = capsys.readouterr()
    assert found == 2 and re.fullmatch(r"jaxalign: Expected .*, got .*\n", heard.err, re.DOTALL) and not heard.out
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"\xff\xfe", b"--nothing", b"word", b"--k=\0"])
def test_wrong_flagfiles(content, capsys, tmp_path):
    path = tmp_path / "a.flags"
    path.write_bytes(content)
    assert bench.main(["bench", f"--flagfile={path}", "--models="]) == 2
    assert re.fullmatch(r"jaxalign: Expected .*, got .*\n", capsys.readouterr().err, re.DOTALL)


def test_python_m_jaxalign_is_the_command():
    done = subprocess.run([sys.executable, "-m", "jaxalign", "--version"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.startswith("jaxalign ")


def test_blanks_after_commas():
    config = bench.config_from(["bench", "--k=1,", "5,", "10", "--languages=en, fr", "--scale"])
    assert (config.k, config.languages, config.scale) == ((1, 5, 10), ("en", "fr"), True)


def test_quickstart_is_the_flagfile_and_other_flags_replace_it():
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "quickstart.flags"
    assert bench.config_from(["bench", "--quickstart"]) == bench.config_from(["bench", f"--flagfile={path}"])
    for words in (["--quickstart", "--languages=en,fr"], ["--languages=en,fr", "--quickstart"]):
        assert bench.config_from(["bench", *words]).languages == ("en", "fr")


def test_the_plan_of_a_flagfile_for_a_run(tmp_path):
    path = tmp_path / "a.flags"
    path.write_text("--suite=alignment\n--models=demo\n")
    config = bench.config_from(["bench", "--suite=plan", "--target=v5e-8", f"--flagfile={path}"])
    assert (config.suite, config.target, config.models) == ("plan", "v5e-8", ("demo",))
