"""Every flag refuses bad values with exit status 2 and a sentence that names it, before anything is loaded."""

import re
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign import bench, flag_help, flag_rules
from jaxalign.config import Config
from jaxalign.flag_rules import parse_layers, parse_size
from jaxalign.types import InputError

BAD = {
    "suite": ["", "alignments"],
    "models": ["", "a\0b", "a\nb"],
    "weights": ["trained"],
    "languages": ["", "en", "en,en", "en,,fr", "en,../fr", "en,<b>"],
    "min_depth": ["-1", "deep"],
    "missing": ["ignore", ""],
    "splits": ["0", "1.5", "10000000000"],
    "seed_size": ["-1", "9" * 20, "9" * 5000],
    "test_size": ["-5", "x"],
    "embeddings": ["", "words", "vanilla,vanilla"],
    "template_names": [""],
    "pooling": ["", "max", "all,last"],
    "special_tokens": ["maybe"],
    "layers": ["", "first", "-1", "1,1", "1;2", "١", "9" * 5000, "4-0", "0-4,2", "all,1", "1-", "middle,middle"],
    "dtype": ["float64", "", "half"],
    "batch_tokens": ["-1", "999999999999"],
    "model_parallel": ["0", "9" * 20],
    "settings": ["", "during", "after,after"],
    "seed_sizes": ["-1", "a", "10,10"],
    "normalize": ["", "length", "none,unit"],
    "answers": ["", "second"],
    "isometry_normalize": ["", "length", "none,unit"],
    "procrustes": ["eigen"],
    "precision": ["tf32"],
    "map": ["affine"],
    "shrinkage": ["", "a", "-1", "nan", "0.3,0.1", "0,0"],
    "completion": ["keep"],
    "scale": ["2"],
    "translate": ["perhaps"],
    "retrieval": ["", "knn"],
    "csls_k": ["0", "-3", "ten", "9" * 20],
    "candidates": ["some"],
    "identical_answers": ["maybe"],
    "k": ["", "0", "1,one", "1,1", "9" * 20],
    "null_draws": ["0", "10000000000"],
    "bootstrap": ["-1", "100000000000"],
    "controls": ["colour"],
    "design": ["moon"],
    "seed": ["-1", "9" * 20],
    "run_name": ["a/b", "..", ".x", "a" * 300, "x.partial", "spaces", " "],
    "dry_run": ["2"],
    "export_spaces": ["2"],
    "export_maps": ["2"],
    "export_mapped": ["en fr", "../en", "en;fr"],
    "memory_budget": ["0", "-1", "nan", "inf", "1e300"],
    "compilation_cache": ["si"],
    "debug_nans": ["si"],
    "num_processes": ["0", "2"],
    "coordinator": ["here", "here:port", "a b:1"],
    "seed_dictionary": ["pairs.txt"],
    "refine": ["-1", "many", "1000"],
    "lowercase": ["maybe"],
    "kernel": ["triton"],
    "max_vocabulary": ["-1", "x"],
    "repeated_keys": ["last"],
    "revision": ["a\tb"],
    "process_id": ["1", "-1"],
    "sizes": ["", "10x10", "0x1x1", "axbxc", "1x1x" + "9" * 5000],
    "repeats": ["0", "9" * 20],
    "texts": ["0", "9" * 20],
    "target": ["moon"],
}
PATHS = {"spaces", "concepts", "split", "templates", "contexts", "workdir", "dictionary", "weights_cache", "compare"}


def test_every_flag_is_in_the_table():
    assert set(BAD) | PATHS == {option.name for option in fields(Config)}


@pytest.mark.parametrize(("flag", "value"), [(flag, value) for flag, values in BAD.items() for value in values])
def test_bad_value_is_status_two(flag, value, capsys, tmp_path):
    assert bench.main(["bench", f"--{flag}={value}", f"--workdir={tmp_path / 'w'}"]) == 2
    heard = capsys.readouterr()
    assert re.fullmatch(r"jaxalign: Expected .*, got .*\n", heard.err, re.DOTALL) and f"--{flag}" in heard.err
    assert not heard.out and not (tmp_path / "w").exists()


@pytest.mark.parametrize("flag", ["spaces", "concepts", "split", "templates", "contexts", "workdir", "dictionary"])
def test_control_characters_in_a_path(flag, capsys):
    assert bench.main(["bench", f"--{flag}=a\0b"]) == 2
    assert re.match(rf"jaxalign: Expected --{flag} as UTF-8 without control characters, got", capsys.readouterr().err)


@pytest.mark.parametrize("flag", ["splits=3", "seed_size=5", "test_size=5"])
def test_a_split_file_and_its_sizes_exclude_each_other(flag):
    with pytest.raises(InputError, match="Drop one of the two"):
        bench.config_from(["bench", "--split=split.json", f"--{flag}"])


def test_every_flag_is_in_one_group_of_the_help():
    assert sorted(name for names in flag_rules.GROUPS.values() for name in names) == sorted(
        option.name for option in fields(Config)
    )
    assert set(flag_help.FIRST) <= {option.name for option in fields(Config)}


DICTIONARY = ("--dictionary=test.txt", "--seed_dictionary=seed.txt", "--spaces=vec", "--languages=en,fr")
IGNORED = [
    *((DICTIONARY, flag) for flag in (
        "--controls=matched", "--splits=2", "--seed_size=5", "--seed_sizes=5,all", "--settings=after,ceiling_null",
        "--settings=ceiling", "--export_spaces", "--precision=fast", "--split=/nonexistent.json",
        "--export_maps", "--export_mapped=en", "--dry_run",
        "--concepts=wordnet", "--models=gpt2", "--layers=all", "--design=star", "--map=ridge", "--scale",
        "--translate", "--candidates=test", "--retrieval=csls,isf", "--test_size=4", "--min_depth=3",
        "--embeddings=prompt", "--pooling=mean", "--dtype=bfloat16", "--batch_tokens=64", "--weights=random")),
    *((("--spaces=vec",), flag) for flag in (
        "--models=gpt2", "--layers=all", "--pooling=mean", "--embeddings=prompt", "--design=star", "--dtype=float16",
        "--weights=random", "--revision=main", "--seed_dictionary=seed.txt", "--texts=3")),
    *((("--suite=kernels",), flag) for flag in ("--models=gpt2", "--k=1", "--controls=gpa", "--spaces=vec")),
    *((("--suite=embed",), flag) for flag in ("--concepts=wordnet", "--retrieval=nn", "--sizes=1x2x3")),
    *(((), flag) for flag in ("--sizes=1x2x3", "--repeats=3", "--texts=3", "--seed_dictionary=seed.txt")),
]  # fmt: skip


@pytest.mark.parametrize(("mode", "flag"), IGNORED)
def test_a_flag_that_the_mode_does_not_read_is_refused(mode, flag, capsys, tmp_path):
    assert bench.main(["bench", *mode, flag, f"--workdir={tmp_path / 'w'}"]) == 2
    error = capsys.readouterr().err
    name = flag.split("=")[0]
    assert re.fullmatch(rf"jaxalign: Expected .*{name}\b.*, got .*\. Drop .*\n", error), error
    assert not (tmp_path / "w").exists()


@pytest.mark.parametrize("mode", flag_rules.MODES)
def test_modes_read_known_flags(mode):
    assert flag_rules.MODES[mode] <= {option.name for option in fields(Config)}


@pytest.mark.parametrize(("flags", "note"), [
    (["--csls_k=5", "--retrieval=nn"], "--csls_k=5 has no effect without --retrieval=csls"),
    (["--null_draws=5", "--settings=after"], "--null_draws=5 has no effect without --settings=null, shrunken_null or "
     "ceiling_null, or --controls=isometry or spectrum"),
    (["--min_depth=3"], "--min_depth=3 has no effect without --concepts=wordnet"),
    (["--templates=t.tsv", "--embeddings=vanilla"], "--templates=t.tsv has no effect without --embeddings=prompt"),
    (["--scale"], "--scale=true has no effect without --translate and --map=orthogonal (no cosine depends on it)"),
    (["--completion=identity", "--map=ridge"], "--completion=identity has no effect without --map=orthogonal and a "
     "setting with a map"),
    (["--map=ridge", "--settings=before"], "--map=ridge has no effect without --settings=after or another with a map"),
    (["--controls=hubness", "--settings=ceiling"], "--controls=hubness has no effect without --settings=before, after "
     "or null"),
    (["--weights_cache=c", "--weights=random"], "--weights_cache=c has no effect without --weights=pretrained"),
    (["--csls_k=5"], None), (["--map=ridge"], None), (["--scale", "--translate"], None),
    (["--settings=before", "--procrustes=svd", "--export_maps"], None),
])  # fmt: skip
def test_flags_without_effect_next_to_others_are_named(flags, note):
    assert flag_rules.notes(bench.config_from(["bench", *flags])) == ([note] if note else [])


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
