"""Lists of sentences keep their commas, brackets and quotes; lists of words do not."""

import pytest

from jaxalign.concepts import concept_list, sentences
from jaxalign.concepts.table_file import parse
from jaxalign.types import InputError

ONE = 'He said "no", then (slowly) left; that was all / or so.'
TWO = "Il a dit « non », puis (lentement) est parti ; c'était tout."


def read(text: str):
    return concept_list.concepts(concept_list.read(parse(text.encode(), "list")), ("en", "fr"))


def test_a_cell_of_the_kind_sentence_is_taken_whole():
    quoted = ONE.replace('"', '""')
    made = read(f'id\tkind\ten\tfr\ns1\tSentence\t"{quoted}"\t{TWO}\nw1\tother\tcove, bay\tbaie\n')
    assert made.words == {"en": (ONE, "cove"), "fr": (TWO, "baie")} and made.kinds == ("other", "other")


def test_a_list_of_long_cells_without_kinds_is_one_of_sentences():
    row = "s{0}\tThis is now sentence number {0}, and it is long.\tC'est la {0}, la voici.\n"
    made = read("id\ten\tfr\n" + "".join(row.format(number) for number in range(4)))
    assert made.words["en"][3] == "This is now sentence number 3, and it is long."
    assert made.words["fr"][0].endswith("voici.")


def test_a_list_of_synonyms_is_none():
    rows = "".join(f"c{i}\tbay, cove, inlet, bight, gulf, sound, small arm of water\tbaie\n" for i in range(4))
    assert read("id\ten\tfr\n" + rows).words["en"] == ("bay",) * 4


@pytest.mark.parametrize("cell", ["", "  ", "-", "..."])
def test_what_is_no_text_is_none(cell):
    assert sentences.sentence_of_cell(cell) == ()


@pytest.mark.parametrize("cell", ['"No" he said.', '"No," he said, "never."', '"No, he said.'])
def test_a_cell_that_opens_with_a_quote_of_its_own_is_refused(cell):
    """A reader of CSV takes such quotes for those around a cell, and drops them."""
    with pytest.raises(InputError, match=r"not closed in line 2 of list .* inside are doubled"):
        read(f"id\tkind\ten\tfr\ns1\tsentence\t{cell}\tNon.\n")
    made = read('id\tkind\ten\tfr\ns1\tsentence\t"{}"\tNon.\n'.format(cell.replace('"', '""')))
    assert made.words["en"] == (cell,)


def test_a_tab_inside_a_sentence_and_an_empty_cell_are_refused():
    with pytest.raises(InputError, match="4 cells as in the header, got 5 in line 2"):
        read("id\tkind\ten\tfr\ns1\tsentence\tone\ttwo\tdeux\n")
    with pytest.raises(InputError, match="a word in column 'fr', got an empty cell in line 3"):
        read("id\tkind\ten\tfr\ns1\tsentence\tone, two\tun, deux\ns2\tsentence\tthree\t\n")
