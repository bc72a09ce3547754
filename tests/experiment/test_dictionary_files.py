"""Files of word pairs as users have them, and their coverage."""

import numpy as np
import pytest

from jaxalign.experiment.translation import dictionary_files
from jaxalign.types import InputError

PAIRS = [("dog", "chien"), ("cat", "chat"), ("dog", "toutou")]


@pytest.mark.parametrize("content", [
    "dog chien\ncat chat\ndog toutou\n",
    "\ufeffdog chien\ncat chat\ndog toutou",
    "dog\tchien\r\ncat\tchat\r\ndog toutou",
    "# a remark\n\ndog chien\n   \n#another one with words\ncat  chat \ndog toutou\n\n",
])  # fmt: skip
def test_marks_blank_lines_and_comments(tmp_path, content):
    (tmp_path / "test.txt").write_bytes(content.encode())
    assert dictionary_files.read(tmp_path / "test.txt", "dictionary") == PAIRS


def test_a_tab_separates_words_that_hold_spaces(tmp_path):
    (tmp_path / "test.txt").write_text("New  York\tNueva York\nNew York \tnewyork\ndog \t perro\ncat\tgato\t\n")
    pairs = [("New York", "Nueva York"), ("New York", "newyork"), ("dog", "perro"), ("cat", "gato")]
    assert dictionary_files.read(tmp_path / "test.txt", "dictionary") == pairs


def test_lower_case(tmp_path):
    (tmp_path / "test.txt").write_text("Hund DOG\nÖl oil\n", encoding="utf-8")
    assert dictionary_files.read(tmp_path / "test.txt", "dictionary", True) == [("hund", "dog"), ("öl", "oil")]


@pytest.mark.parametrize(("content", "said"), [
    (b"dog chien\ncat\n", "'cat' in line 2"), (b"dog chien minou\n", "in line 1"), (b"\xff\xfe", "UTF-8"),
    (b"# nothing\n", "no line with two words"), (b"", "no line with two words"),
])  # fmt: skip
@pytest.mark.parametrize("flag", ["dictionary", "seed_dictionary"])
def test_faults_name_the_file_and_its_flag(tmp_path, content, said, flag):
    (tmp_path / "pairs.txt").write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        dictionary_files.read(tmp_path / "pairs.txt", flag)
    assert f"--{flag}" in str(error.value) and "pairs.txt" in str(error.value)


def test_coverage_by_source_word_and_by_side():
    pairs = [*PAIRS, ("cow", "vache"), ("cow", "boeuf"), ("cat", "minou")]
    found = dictionary_files.look_up(pairs, ["cat", "dog"], ["chat", "chien", "vache"], "dictionary")
    assert np.array_equal(found.source_rows, [1, 0]) and np.array_equal(found.target_rows, [1, 0])
    assert found.coverage == (6, 2, 3, 2, 1, 3)  # cow is unknown; so are toutou, boeuf and minou
    assert found.coverage.share == pytest.approx(2 / 3)
    with pytest.raises(InputError, match="none of 3: 2 of 2 source words .*--lowercase"):
        dictionary_files.look_up(PAIRS, ["Dog"], ["chat"], "dictionary")
