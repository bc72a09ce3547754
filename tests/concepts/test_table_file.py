"""Tables in text files: separators, quotes, encodings, and all problems of a file in one error."""

import pytest

from jaxalign.concepts import table_file
from jaxalign.types import InputError


def cells(data):
    return [row.cells for row in table_file.parse(data, "x.tsv").rows]


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"id\ten\n1\ta,b\n", [("id", "en"), ("1", "a,b")]),
        (b"id;en\n1;a,b\n", [("id", "en"), ("1", "a,b")]),
        (b"sep=;\nid;en\n1;x\n", [("id", "en"), ("1", "x")]),
        (b'id,en\n1,"say ""a, b"""\n', [("id", "en"), ("1", 'say "a, b"')]),
        (b"# a list\n\nid\ten\t\t\n 1 \t a  b \t\t\n", [("id", "en"), ("1", "a b")]),
        ("id\ten\n1\te\u0301\n".encode("utf-16"), [("id", "en"), ("1", "é")]),
        ("id\ten\n1\té\n".encode("utf-16-le"), [("id", "en"), ("1", "é")]),
        ("id\ten\n1\té\n".encode("utf-16-be"), [("id", "en"), ("1", "é")]),
        (b",id,en\n0,d,dog\n1,c,cat\n", [("id", "en"), ("d", "dog"), ("c", "cat")]),
        (b",en,fr\nd,dog,chien\n", [("id", "en", "fr"), ("d", "dog", "chien")]),
        (b'id,en\n1,"a, b\nc"\n2,d\n', [("id", "en"), ("1", "a, b c"), ("2", "d")]),
        (b"\xef\xbb\xbfid\ten\n", [("id", "en")]),
        (b"\n  \n", []),
    ],
    ids=[
        "tab",
        "semicolon",
        "excel",
        "quotes",
        "comment",
        "utf-16",
        "le",
        "be",
        "index",
        "index is id",
        "two lines",
        "mark",
        "blank",
    ],
)
def test_cells_are_trimmed_and_in_one_form(data, rows):
    assert cells(data) == rows


def test_a_row_knows_its_line():
    rows = table_file.parse(b"id\ten\n\n# note\n1\tx\n", "x.tsv").rows
    assert [row.line for row in rows] == [1, 4]


def test_what_cannot_be_read_is_named_with_its_line(tmp_path):
    with pytest.raises(InputError, match="not closed in line 2 of x.csv"):
        table_file.parse(b'id,en,fr\n1,"x,y\n2,a,b\n', "x.csv")
    with pytest.raises(InputError, match="UTF-8, got the byte 0xe9 in line 2 of x.csv"):
        table_file.decode(b"id\n\xe9\n", "x.csv")
    with pytest.raises(InputError, match="readable concept list"):
        table_file.read_bytes(tmp_path / "none.tsv")


def test_all_problems_come_in_one_error():
    problems = table_file.Problems("x.tsv", "Fix the file.")
    problems.add("a word", "none", 3)
    problems.add("a header", "an empty file")
    with pytest.raises(InputError) as caught:
        problems.raise_all()
    text = str(caught.value)
    assert "a word, got none in line 3 of x.tsv" in text and "a header, got an empty file in x.tsv" in text
    assert text.endswith("Fix the file.")
    table_file.Problems("x.tsv", "").raise_all()  # nothing noted, nothing raised
