"""Files of every format give the same vectors; memory while reading is near that of the array; faults are named."""

import bz2
import gzip
import io
import lzma
import subprocess
import sys

import numpy as np
import pytest

from jaxalign.embeddings import word2vec_format
from jaxalign.embeddings.word2vec_format import ReadOptions
from jaxalign.types import InputError
from tests.embeddings.vector_files.written import KEYS, VECTORS, binary, put, put_array, text


def packed_as_vec(folder):
    return put(folder, "en.vec", gzip.compress(text()))  # recognised by its first bytes, not by its name


@pytest.mark.parametrize("write", [
    lambda folder: put(folder, "en.vec", text()),
    lambda folder: put(folder, "en.vec", b"\xef\xbb\xbf" + text().replace(b"\n", b" \r\n") + b"\n\n"),
    lambda folder: put(folder, "en.vec.gz", gzip.compress(text())),
    packed_as_vec,
    lambda folder: put(folder, "en.bin", binary()),
    lambda folder: put(folder, "en.bin", binary(end=b"")),  # gensim writes no line feed
    lambda folder: put_array(folder, VECTORS),
    lambda folder: put_array(folder, VECTORS.astype(np.float64), "en.vocab"),
    lambda folder: put_array(folder, VECTORS, "en.txt"),
    lambda folder: put(put_array(folder, VECTORS), "en.keys", ("\ufeff" + " \r\n".join(KEYS)).encode()),
    lambda folder: put(folder, "en.bin", text()),  # recognised by its first vector
    lambda folder: put(folder, "en.vec", text().replace(b" ", b"\t")),
    lambda folder: put(folder, "en.vec", text().replace(b" ", b"  ").replace(b"\n", b"\n ")),
])  # fmt: skip
@pytest.mark.parametrize("block", [1, 1 << 20])
def test_every_format_gives_the_same_keys_and_numbers(tmp_path, monkeypatch, write, block):
    for module in ("table", "text", "formats"):
        monkeypatch.setattr(f"jaxalign.embeddings.vector_files.{module}.BLOCK_BYTES", block)
    folder = write(tmp_path)
    assert word2vec_format.languages(folder) == ("en",)
    found = word2vec_format.read_language(folder, "en")
    assert list(found.keys) == KEYS
    np.testing.assert_array_equal(found.vectors, VECTORS)
    first = word2vec_format.read_language(folder, "en", ReadOptions(most=2))
    assert list(first.keys) == KEYS[:2] and first.vectors.shape == (2, 5)
    assert len(word2vec_format.read_language(folder, "en", ReadOptions(most=99)).keys) == 4


# VmHWM, the most memory that was resident; ru_maxrss would begin with that of the test's own process.
CHILD = """
import re, sys
from jaxalign.embeddings import word2vec_format
def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
word2vec_format.read(sys.argv[2])  # a small file: imports, buffers
before = peak()
found = word2vec_format.read(sys.argv[1])
print((peak() - before) / found.vectors.nbytes)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("name, write", [("en.vec", text), ("en.vec.gz", lambda *of: gzip.compress(text(*of), 1)),
                                         ("en.bin", binary)])  # fmt: skip
def test_memory_while_reading_is_near_the_arrays(tmp_path, name, write):
    keys = [f"word{row}" for row in range(20_000)]
    vectors = np.random.default_rng(1).integers(1, 9, (20_000, 300)).astype(np.float32)
    put(tmp_path, name, write(keys, vectors))
    put(tmp_path, f"small.{name.partition('.')[2]}", write(keys[:2000], vectors[:2000]))
    command = [sys.executable, "-c", CHILD, tmp_path / name, tmp_path / f"small.{name.partition('.')[2]}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 0.5 < float(done.stdout) < 1.3


def npz():
    file = io.BytesIO()
    np.savez(file, en=VECTORS)
    return file.getvalue()


@pytest.mark.parametrize("name, data, message", [
    ("en.bin", binary()[:-30], "too short"),
    ("en.bin", binary(["a", "b" * 60, "c" * 60, "d"])[:-30], "end of the file"),
    ("en.bin", b"2 3\n" + b"x" * 9000, "damaged key"),
    ("en.bin", binary().replace(b"4 5", b"3 5", 1), "Expected 3 vectors as the header says, got more"),
    ("en.vec", b"1 3\na\x00\x01 \x02\n", "line 2.*named LANG.bin"),
    ("en.vec", b"PK\x03\x04" + bytes(40), "got a ZIP archive .*line 1.*Unpack"),
    ("en.vec", bz2.compress(text()), "got bzip2"),
    ("en.vec", lzma.compress(text()), "got xz"),
    ("en.bin", b"\xba\x16\x4f\x2f" + bytes(40), "whole fastText model"),
    ("en.vec", b"999999999 300\na 1\n", "too short"),
    ("en.vec", b"the 0.1 0.2 0.3\nof 1 2 3\n", "GloVe"),
    ("en.vec", binary(vectors=VECTORS.view(np.uint32).astype(np.float32)), "line 2"),
    ("en.vec", b"1 2\n" + b"a" * 5000 + b" 1 2\n", "line 2"),
    ("en.vec", b"1 2\na 1 2x\n", "'2x'.*line 2"),
    ("en.vec", b"1 2\na 1,5 2\n", "'1,5'.*line 2"),
    ("en.vec", b"2 2\na 1 2\n\nb 1 2\n", "line 3"),
    ("en.vec.gz", gzip.compress(text(), mtime=0)[:-12], "readable file"),
    ("en.npy", b"no array", "NumPy array"),
    ("en.npy", npz(), "one NumPy array, got several in .npz format"),
])  # fmt: skip
def test_faults_are_named_with_their_place(tmp_path, name, data, message):
    put(tmp_path, name, data)
    with pytest.raises(InputError, match=message):
        word2vec_format.read_language(tmp_path, "en")


@pytest.mark.parametrize("array, keys, message", [
    (VECTORS, b"a\nb\n", "one key per row"), (VECTORS, None, "en.keys or en.vocab or en.txt"),
    (np.array([["a"]], object), b"a\n", "NumPy array"), (np.ones((2, 2), int), b"a\nb\n", "array of floats"),
    (VECTORS[0], b"a\n", "array of floats"),
])  # fmt: skip
def test_arrays_need_floats_and_a_key_per_row(tmp_path, array, keys, message):
    np.save(tmp_path / "en.npy", array, allow_pickle=True)
    if keys is not None:
        put(tmp_path, "en.keys", keys)
    with pytest.raises(InputError, match=message):
        word2vec_format.read_language(tmp_path, "en")
