"""What --help, --helpfull and --version print."""

import re
import subprocess
import sys
from dataclasses import fields

from jaxalign import bench, flag_help
from jaxalign.config import Config


def test_full_help_names_every_flag_quickly_without_jax():
    code = "import sys; from jaxalign import bench; bench.main(['bench', '--helpfull']); sys.exit('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    for option in fields(Config):
        assert f"--{option.name}=" in done.stdout
        assert option.metadata["help"] in done.stdout


def test_help_starts_with_commands_and_shows_the_most_used_flags(capsys):
    assert bench.main(["bench", "--help"]) == 0
    text = capsys.readouterr().out
    assert text.index("Start here") < text.index("--quickstart") < text.index("Models:") < text.index("--models=demo")
    assert "--retrieval=csls,nn" in text and "--debug_nans" not in text and "jaxalign --helpfull" in text
    hidden = len(fields(Config)) - sum(f"  --{option.name}=" in text for option in fields(Config))
    assert f"{hidden} more flags" in text


def test_version_names_the_libraries(capsys):
    assert bench.main(["bench", "--version"]) == 0
    assert re.match(r"jaxalign \d+\.\d+\.\d+, Python 3\.\d+\.\d+, jax \d", capsys.readouterr().out)


def test_the_help_of_a_number_says_its_bounds():
    text = flag_help.text(full=True)
    option = next(option for option in fields(Config) if option.name == "repeats")
    assert f"{option.metadata['help']} (1 to 10,000)" in text
    assert "  --csls_k=10\n" in text and "  --scale=false\n" in text


def test_help_into_a_pipe_that_closes_is_no_traceback():
    command = f"{sys.executable} -m jaxalign --helpfull | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and done.stdout.startswith("How well") and done.returncode in (0, 1)
