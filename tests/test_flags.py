"""Every flag refuses bad values with exit status 2 and a sentence that names it, before anything is loaded."""

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
    "models": [""],
    "weights": ["trained"],
    "languages": ["", "en", "en,en", "en,,fr"],
    "min_depth": ["-1", "deep"],
    "splits": ["0", "1.5"],
    "seed_size": ["-1"],
    "test_size": ["-5", "x"],
    "embeddings": ["", "words", "vanilla,vanilla"],
    "template_names": [""],
    "pooling": ["", "max"],
    "special_tokens": ["maybe"],
    "layers": ["", "first", "-1", "1,1", "1;2", "١"],
    "dtype": ["float64", ""],
    "batch_tokens": ["-1"],
    "model_parallel": ["0"],
    "settings": ["", "during", "after,after"],
    "seed_sizes": ["-1", "a", "10,10"],
    "normalize": ["", "length", "none,unit"],
    "procrustes": ["eigen"],
    "map": ["affine"],
    "completion": ["keep"],
    "scale": ["2"],
    "translate": ["perhaps"],
    "retrieval": ["", "knn"],
    "csls_k": ["0", "ten"],
    "candidates": ["some"],
    "k": ["", "0", "1,one"],
    "null_draws": ["0"],
    "bootstrap": ["-1"],
    "controls": ["colour"],
    "design": ["moon"],
    "seed": ["-1"],
    "run_name": ["a/b", ".."],
    "export_spaces": ["2"],
    "memory_budget": ["0", "-1", "nan"],
    "compilation_cache": ["si"],
    "debug_nans": ["si"],
    "num_processes": ["0"],
    "process_id": ["1", "-1"],
    "sizes": ["", "10x10", "0x1x1", "axbxc"],
    "repeats": ["0"],
    "texts": ["0"],
}
PATHS = {"spaces", "concepts", "split", "templates", "workdir", "dictionary", "seed_dictionary", "weights_cache"}
FREE = PATHS | {"revision", "coordinator"}  # any text


def test_every_flag_is_in_the_table():
    assert set(BAD) | FREE == {option.name for option in fields(Config)}


@pytest.mark.parametrize(("flag", "value"), [(flag, value) for flag, values in BAD.items() for value in values])
def test_bad_value_is_status_two(flag, value, capsys, tmp_path):
    assert (
        bench.main(["bench", f"--{flag}={value}", f"--workdir={tmp_path / 'w'}"][: 2 if flag == "workdir" else 3]) == 2
    )
    heard = capsys.readouterr()
    assert flag in heard.err and "Expected" in heard.err or "flag" in heard.err
    assert not heard.out and not (tmp_path / "w").exists()


def test_defaults_and_flagfile_order(tmp_path):
    path = tmp_path / "a.flags"
    path.write_text("# comment\n--csls_k=5\n--k=1,2\n")
    config = bench.config_from(["bench", f"--flagfile={path}", "--csls_k=7"])
    assert (config.csls_k, config.k) == (7, (1, 2))
    assert bench.config_from(["bench"]) == Config()


@pytest.mark.parametrize("argv", [["--nothing=1"], ["word"], ["--flagfile=/does/not/exist"], ["--csls_k"]])
def test_wrong_command_lines(argv, capsys):
    assert bench.main(["bench", *argv]) == 2
    assert "jaxalign:" in capsys.readouterr().err


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
