"""The command line on wrong input of every kind: one sentence that names the flag, status 2, nothing left behind."""

import re
from pathlib import Path

import numpy as np
import pytest

from jaxalign import bench
from jaxalign.report import read_rows
from tests.tiny import write_model

HEADER = "id\tkind\ten\tfr\n"
LINES = [f"c{row}\tabstract\tdog{row}\tchien{row}" for row in range(20)]
FAST = ("--bootstrap=0", "--settings=before,after", "--retrieval=nn", "--k=1")


def put(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def put_spaces(folder: Path, **spaces: np.ndarray) -> Path:
    folder.mkdir()
    for code, rows in spaces.items():
        lines = [f"{len(rows)} {rows.shape[1]}"] + [
            " ".join([f"c{row}", *(repr(float(value)) for value in values)]) for row, values in enumerate(rows)
        ]
        put(folder / f"{code}.vec", "\n".join(lines) + "\n")
    return folder


def random_spaces(folder: Path, count: int = 30, width: int = 4) -> Path:
    rng = np.random.default_rng(0)
    return put_spaces(folder, en=rng.standard_normal((count, width)), fr=rng.standard_normal((count, width)))


def bench_with(tmp_path: Path, *flags: str) -> int:
    return bench.main(["bench", *FAST, *flags, f"--workdir={tmp_path / 'runs'}"])


def refused(tmp_path: Path, capsys, said: str, *flags: str) -> None:
    """Status 2, one line on stderr that begins with our name, names a flag and holds `said`; no work folder."""
    status = bench_with(tmp_path, *flags)
    heard = capsys.readouterr()
    (line,) = (line for line in heard.err.splitlines() if line.startswith("jaxalign: "))
    assert status == 2 and not heard.out
    assert re.match(r"jaxalign: Expected .*, got\b.*", line) and "--" in line and re.search(said, line), line
    assert heard.err.endswith(line + "\n") and "Traceback" not in heard.err
    assert not list(tmp_path.glob("runs/*")), list(tmp_path.glob("runs/*"))


def results(tmp_path: Path, run: str = "run-0001") -> dict:
    rows = read_rows(tmp_path / "runs" / run)
    return {(row["setting"], row["source"], row["target"], row["metric"]): row["value"] for row in rows}


@pytest.mark.parametrize(("said", "flags"), [
    ("seed_size", ["--seed_size=30"]), ("seed_size", ["--seed_size=31"]), ("test_size", ["--test_size=30"]),
    ("--k of at most 30", ["--k=1,31"]), ("csls_k from 1 to 30", ["--retrieval=csls", "--csls_k=31"]),
    ("--k of at most 10", ["--k=11", "--candidates=test"]),
    ("csls_k from 1 to 10", ["--retrieval=csls", "--csls_k=11", "--candidates=test"]),
    ("--seed_sizes of at most 20", ["--seed_sizes=21"]), ("at least two --languages", ["--languages=en"]),
    ("without repeats", ["--languages=en,en"]), ("vectors of de", ["--languages=en,de"]),
    ("codes such as", ["--languages=en,../en"]), ("No such file", ["--split={tmp}/none.json"]),
    ("Is a directory", ["--split={tmp}"]), ("folder with forms.csv", ["--concepts={tmp}"]),
    ("readable concept list", ["--concepts={tmp}/none.tsv"]), ("vectors differ", ["--spaces={tmp}/constant", "--k=1"]),
    ("vectors differ", ["--spaces={tmp}/rays", "--k=1"]), ("folder of LANG.vec", ["--spaces={tmp}/spaces/en.vec"]),
    ("such as --spaces=", ["--spaces={tmp}"]), ("two LANG.vec", ["--spaces={tmp}/one"]),
    ("written", ["--workdir={tmp}/spaces/en.vec"]), ("template", ["--spaces=", "--templates={tmp}"]),
    ("more than the 10 neighbours", ["--spaces={tmp}/few", "--k=1", "--controls=isometry"]),
    ("seed_dictionary", ["--dictionary={tmp}/none"]),
])  # fmt: skip
def test_wrong_questions_of_exported_spaces(tmp_path, capsys, said, flags):
    random_spaces(tmp_path / "spaces")
    random_spaces(tmp_path / "few", 8)
    some = np.random.default_rng(0).standard_normal((30, 4))
    put_spaces(tmp_path / "constant", en=np.ones((30, 4)), fr=some)
    put_spaces(tmp_path / "rays", en=np.ones((30, 4)) * np.arange(1, 31)[:, None], fr=some)
    put_spaces(tmp_path / "one", en=some)
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    if not flags[0].startswith("--workdir"):
        refused(tmp_path, capsys, said, f"--spaces={tmp_path / 'spaces'}", *flags)
    else:
        assert bench.main(["bench", f"--spaces={tmp_path / 'spaces'}", *flags]) == 2
        assert re.search(r"Expected --workdir .*written", capsys.readouterr().err)


@pytest.mark.parametrize(("said", "content"), [
    ("line 1", b""), ("line 1", b"hello\n"), ("line 1", b"-1 2\na 1 2\n"), ("line 1", b"1 99999999999\na 1\n"),
    ("header says", b"3 2\na 1 2\n"), ("line 3", b"2 2\na 1 2\nb 1\n"), ("line 2", b"1 2\na 1 2 3\n"),
    ("line 2", b"1 2\na 1 nan\n"), ("line 2", b"1 2\na inf 1\n"), ("line 2", b"1 2\na 1e99 1\n"),
    ("line 3", b"2 2\na 1 2\nb 0 0\n"), ("'a' again", b"2 2\na 1 2\na 3 4\n"), ("UTF-8", b"1 2\n\xe9 1 2\n"),
    ("UTF-8", "1 2\na 1 2\n".encode("utf-16")), ("line 2", b"1 2\na 1 \x002\n"), ("line 2", b"1 2\na\t1\n"),
    ("none shared", b"1 2\nzzz 1 2\n"), ("one dimension", b"1 3\nc1 1 2 3\n"),
])  # fmt: skip
def test_wrong_vec_files(tmp_path, capsys, said, content):
    put_spaces(tmp_path / "spaces", en=np.random.default_rng(0).standard_normal((30, 2)))
    put(tmp_path / "spaces" / "fr.vec", content)
    refused(tmp_path, capsys, said, f"--spaces={tmp_path / 'spaces'}")


@pytest.mark.parametrize(("said", "content"), [
    ("'c3' again, as in line 5, in line 22", HEADER + "\n".join([*LINES, LINES[3]])),
    ("column 'en', got an empty cell in line 22", HEADER + "\n".join([*LINES, "x\tabstract\t  \u00a0 \ty"])),
    ("column 'fr', got '...' in line 22", HEADER + "\n".join([*LINES, "x\tabstract\ty\t..."])),
    ("column 'en', got '\\\\u200b'", HEADER + "\n".join([*LINES, "x\tabstract\t\u200b\ty"])),
    ("column 'en', got 'a\\\\x00b'", HEADER + "\n".join([*LINES, "x\tabstract\ta\0b\ty"])),
    ("got 3 in line 22", HEADER + "\n".join([*LINES, "x\tabstract\ty"])),
    ("UTF-16, got the byte 0x", (HEADER + LINES[0]).encode("utf-16")[:-1]),
    ("UTF-8, got the byte 0xe9 in line 2", (HEADER + "x\tabstract\tété\ty").encode("latin-1")),
    ("empty file", ""), ("no line after the header", HEADER), ("columns id", "kind\ten\tfr\nabstract\ta\tb\n"),
    ("at least two languages", "id\ten\n" + "\n".join(f"c{row}\tw{row}" for row in range(9))),
    ("each named once", "id\ten\ten\nx\ty\tz\n"), ("fit 1 concepts", HEADER + LINES[0]),
    ("at least two languages", "id\ten\t../fr\nx\ty\tz\n"), ("at least two languages", "id\ten\t<b>\nx\ty\tz\n"),
    ("differ and are not empty", HEADER + "\n".join([*LINES, "x y\tother\ta\tb", "x_y\tother\tc\td"])),
])  # fmt: skip
def test_wrong_concept_lists(tmp_path, capsys, said, content):
    path = put(tmp_path / "list.tsv", content)
    refused(tmp_path, capsys, said, f"--concepts={path}", "--export_spaces")


@pytest.mark.parametrize("content", [
    b"", b"[]", b"{}", b'{"seed": [], "test": ["c1"]}', b'{"seed": ["c0"], "test": ["c0"]}', b"\xff", b"[" * 10**5,
    b'{"seed": ["c0", "c0"], "test": ["c1"]}', b'{"seed": ["no"], "test": ["c1"]}', b'{"seed": "c0", "test": [1]}',
])  # fmt: skip
def test_wrong_splits(tmp_path, capsys, content):
    path = put(tmp_path / "split.json", content)
    refused(tmp_path, capsys, "--split", f"--spaces={random_spaces(tmp_path / 'spaces')}", f"--split={path}")


@pytest.mark.parametrize(("said", "content"), [
    ("columns name", ""), ("columns name", "a\tb\n"), ("at least one template", "name\tlanguage\tform\ttemplate\n"),
    ("exactly once", "name\tlanguage\tform\ttemplate\nmine\t*\tplain\tno word\n"),
    ("no braces", "name\tlanguage\tform\ttemplate\nmine\t*\tplain\t{text} {0}\n"),
    ("4 columns", "name\tlanguage\tform\ttemplate\nmine\t{text}\n"), ("UTF-8", b"\xff\xfe"),
    ("of mine, or all, got 'paper'", "name\tlanguage\tform\ttemplate\nmine\t*\tplain\t{text}" + "!" * 200_000),
])  # fmt: skip
def test_wrong_templates(tmp_path, capsys, said, content):
    refused(tmp_path, capsys, said, f"--templates={put(tmp_path / 'templates.tsv', content)}")


@pytest.fixture
def lists(tmp_path) -> tuple[str, ...]:
    """Flags of a tiny random model over a list of twenty concepts."""
    write_model(tmp_path / "model")
    put(tmp_path / "list.tsv", HEADER + "\n".join(LINES))
    return (f"--models={tmp_path / 'model'}", "--weights=random", f"--concepts={tmp_path / 'list.tsv'}",
            "--embeddings=vanilla")  # fmt: skip


@pytest.mark.parametrize(("said", "flags"), [
    ("folder or a hub id", ["--models={tmp}/list.tsv"]), ("config.json", ["--models={tmp}"]),
    ("hub", ["--models=" + "a" * 5000]), ("hub", ["--models=a b?c"]), ("safetensors", ["--weights=pretrained"]),
    ("--layers from 0 to 3", ["--layers=4"]), ("encoder-decoder", ["--pooling=decoder"]),
    ("divisor of the 1 devices", ["--model_parallel=7"]), ("--revision", ["--revision=main"]),
    ("--revision", ["--models=demo", "--revision=main"]), ("it holds model", ["--models={tmp}@step5"]),
    ("and org/name@step5", ["--models=org/name@step5", "--revision=main"]), ("'xx'", ["--languages=en,xx"]),
])  # fmt: skip
def test_wrong_questions_of_models(tmp_path, capsys, lists, said, flags):
    refused(tmp_path, capsys, said, *lists, *(flag.format(tmp=tmp_path) for flag in flags))


@pytest.mark.parametrize("harm", ["tokenizer.json", "config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff\xfe", b"[" * 10**5])
def test_damaged_files_of_a_model(tmp_path, capsys, lists, harm, content):
    put(tmp_path / "model" / harm, content)
    refused(tmp_path, capsys, "--models", *lists)


def test_a_text_longer_than_the_model_allows(tmp_path, capsys, lists):
    put(tmp_path / "list.tsv", HEADER + "\n".join([*LINES, "x\tabstract\t" + "a" * 600 + "\tb"]))
    refused(tmp_path, capsys, "at most 512 tokens, got 601", *lists)


@pytest.mark.parametrize(("count", "width"), [(2, 3), (3, 1), (40, 1)])
def test_one_dimension_and_few_concepts(tmp_path, count, width):
    """A cosine in one dimension is 1 or -1: ties are told, and P@1_strict does not count them as found."""
    assert bench_with(tmp_path, f"--spaces={random_spaces(tmp_path / 'spaces', count, width)}", "--normalize=none") == 0
    found = results(tmp_path)
    if count == 40:
        assert found["after", "en", "fr", "ties"] == 1 and found["after", "en", "fr", "P@1_strict"] == 0
    assert all(np.isfinite(value) for value in found.values())


@pytest.mark.parametrize("flags", [
    ["--completion=drop"], ["--completion=identity"], ["--completion=arbitrary"], ["--procrustes=polar"],
    ["--map=least_squares"], ["--map=ridge"], ["--scale", "--translate"],
])  # fmt: skip
def test_spaces_of_low_rank_are_still_aligned(tmp_path, flags):
    """All vectors in a plane of six dimensions, another plane a language: the map between the planes is found."""
    rng = np.random.default_rng(0)
    plane, turns = rng.standard_normal((60, 3)), [np.linalg.qr(rng.standard_normal((6, 6)))[0][:3] for _ in "12"]
    spaces = put_spaces(tmp_path / "spaces", en=plane @ turns[0], fr=plane @ turns[1])
    assert bench_with(tmp_path, f"--spaces={spaces}", *flags) == 0
    found = results(tmp_path)
    assert found["after", "mean", "mean", "P@1"] > 0.95 > 0.5 > found["before", "mean", "mean", "P@1"]


def test_default_k_above_the_pool_is_left_out_with_a_note(tmp_path, capsys):
    spaces = random_spaces(tmp_path / "spaces", 12)
    assert bench_with(tmp_path, f"--spaces={spaces}", "--k=1,5,10,30", "--retrieval=csls,nn,isf") == 0
    assert "left out: 30" in capsys.readouterr().err
    assert {key[-1] for key in results(tmp_path)} >= {"P@1", "P@5", "P@10"}
    assert not [key for key in results(tmp_path) if key[-1] == "P@30"]


def test_byte_order_mark_crlf_and_thousands_of_columns(tmp_path):
    codes = [f"l{column}" for column in range(3000)]
    lines = ["\t".join(["id", *codes])] + ["\t".join([f"c{r}", *(f"w{r}{code}" for code in codes)]) for r in range(12)]
    path = put(tmp_path / "list.tsv", "\ufeff" + "\r\n".join(lines))
    flags = (f"--models={write_model(tmp_path / 'model')}", "--weights=random", "--languages=l7,l2999")
    assert bench_with(tmp_path, *flags, f"--concepts={path}", "--embeddings=vanilla") == 0


def test_a_folder_that_was_there_before_stays(tmp_path, capsys):
    (tmp_path / "runs").mkdir()
    refused(tmp_path, capsys, "--seed_size", f"--spaces={random_spaces(tmp_path / 's')}", "--seed_size=30")
    assert (tmp_path / "runs").is_dir()
