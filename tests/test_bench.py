"""From the words of a command line to a config, or to exit status 2 with a sentence."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jaxalign import bench
from jaxalign.config import Config


def test_defaults_and_flagfile_order(tmp_path):
    path = tmp_path / "a.flags"
    path.write_text("# comment\n--csls_k=5\n--k=1,2\n")
    config = bench.config_from(["bench", f"--flagfile={path}", "--csls_k=7"])
    assert (config.csls_k, config.k) == (7, (1, 2))
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


def test_quickstart_is_the_flagfile_and_later_flags_replace_it():
    path = Path(__file__).resolve().parents[1] / "benchmarks" / "quickstart.flags"
    assert bench.config_from(["bench", "--quickstart"]) == bench.config_from(["bench", f"--flagfile={path}"])
    assert bench.config_from(["bench", "--quickstart", "--languages=en,fr"]).languages == ("en", "fr")
