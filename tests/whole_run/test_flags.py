"""Every flag refuses bad values with exit status 2 and a sentence that names it, before anything is loaded."""

import re
import subprocess
import sys
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign import bench
from jaxalign.config import Config, parse_layers, parse_size
from jaxalign.types import InputError

BAD = {
    "suite": ["", "alignments"],
    "models": ["", "a\0b", "a\nb"],
    "weights": ["trained"],
    "languages": ["", "en", "en,en", "en,,fr", "en,../fr", "en,<b>"],
    "min_depth": ["-1", "deep"],
    "splits": ["0", "1.5", "10000000000"],
    "seed_size": ["-1", "9" * 20, "9" * 5000],
    "test_size": ["-5", "x"],
    "embeddings": ["", "words", "vanilla,vanilla"],
    "template_names": [""],
    "pooling": ["", "max"],
    "special_tokens": ["maybe"],
    "layers": ["", "first", "-1", "1,1", "1;2", "١", "9" * 5000],
    "dtype": ["float64", ""],
    "batch_tokens": ["-1", "999999999999"],
    "model_parallel": ["0", "9" * 20],
    "settings": ["", "during", "after,after"],
    "seed_sizes": ["-1", "a", "10,10"],
    "normalize": ["", "length", "none,unit"],
    "procrustes": ["eigen"],
    "precision": ["tf32"],
    "map": ["affine"],
    "completion": ["keep"],
    "scale": ["2"],
    "translate": ["perhaps"],
    "retrieval": ["", "knn"],
    "csls_k": ["0", "-3", "ten", "9" * 20],
    "candidates": ["some"],
    "k": ["", "0", "1,one", "1,1", "9" * 20],
    "null_draws": ["0", "10000000000"],
    "bootstrap": ["-1", "100000000000"],
    "controls": ["colour"],
    "design": ["moon"],
    "seed": ["-1", "9" * 20],
    "run_name": ["a/b", "..", ".x", "a" * 300, "x.partial", "spaces", " "],
    "export_spaces": ["2"],
    "memory_budget": ["0", "-1", "nan", "inf", "1e300"],
    "compilation_cache": ["si"],
    "debug_nans": ["si"],
    "num_processes": ["0", "2"],
    "coordinator": ["here", "here:port", "a b:1"],
    "seed_dictionary": ["pairs.txt"],
    "revision": ["a\tb"],
    "process_id": ["1", "-1"],
    "sizes": ["", "10x10", "0x1x1", "axbxc", "1x1x" + "9" * 5000],
    "repeats": ["0", "9" * 20],
    "texts": ["0", "9" * 20],
}
PATHS = {"spaces", "concepts", "split", "templates", "workdir", "dictionary", "weights_cache"}


def test_every_flag_is_in_the_table():
    assert set(BAD) | PATHS == {option.name for option in fields(Config)}


@pytest.mark.parametrize(("flag", "value"), [(flag, value) for flag, values in BAD.items() for value in values])
def test_bad_value_is_status_two(flag, value, capsys, tmp_path):
    assert bench.main(["bench", f"--{flag}={value}", f"--workdir={tmp_path / 'w'}"]) == 2
    heard = capsys.readouterr()
    assert re.fullmatch(r"jaxalign: Expected .*, got .*\n", heard.err, re.DOTALL) and f"--{flag}" in heard.err
    assert not heard.out and not (tmp_path / "w").exists()


@pytest.mark.parametrize("flag", ["spaces", "concepts", "split", "templates", "workdir", "dictionary"])
def test_control_characters_in_a_path(flag, capsys):
    assert bench.main(["bench", f"--{flag}=a\0b"]) == 2
    assert re.match(rf"jaxalign: Expected --{flag} as UTF-8 without control characters, got", capsys.readouterr().err)


@pytest.mark.parametrize("flag", ["splits=3", "seed_size=5", "test_size=5"])
def test_a_split_file_and_its_sizes_exclude_each_other(flag):
    with pytest.raises(InputError, match="Drop one of the two"):
        bench.config_from(["bench", "--split=split.json", f"--{flag}"])


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


def test_help_names_every_flag_quickly_without_jax():
    code = "import sys; from jaxalign import bench; bench.main(['bench', '--help']); sys.exit('jax' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    for option in fields(Config):
        assert f"--{option.name}=" in done.stdout
        assert option.metadata["help"] in done.stdout


@given(st.text(max_size=20))
@settings(max_examples=200, deadline=None)
def test_parsers_only_raise_input_error(text):
    for parse in (parse_layers, parse_size):
        try:
            parse(text)
        except InputError:
            pass


@given(flag=st.sampled_from(sorted(BAD)), value=st.text(alphabet=st.characters(codec="utf-8"), max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_text_as_a_flag_gives_a_config_or_an_input_error(flag, value):
    try:
        assert isinstance(bench.config_from(["bench", f"--{flag}={value}"]), Config)
    except InputError:
        pass
