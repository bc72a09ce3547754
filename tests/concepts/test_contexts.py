"""Sentences around the words of concepts: from a file in several forms, from WordNet, from the package."""

import logging

import pytest

from jaxalign.concepts import contexts, dataset
from jaxalign.types import Concepts, InputError

LISTED = Concepts(
    ("dog", "hope"),
    ("physical", "abstract"),
    {"en": ("dog", "hope"), "ja": ("犬", "希望")},
    (("listed", 2),),
    {"en": (("dog",), ("hope",)), "ja": (("犬",), ("希望",))},
)
GOOD = (
    "concept_id\tlang\tsentence\tword\n"
    "dog\ten\tThe [[dogs]] met another dog.\t\n"
    "dog\ten\tA dog barks.\tdog\n"
    "dog\ten\tA dog barks.\tdog\n"  # the same again says nothing new
    "dog\tjpn\t犬は犬を知る、この<w>犬</w>も。\t\n"
    "hope\tEnglish\tThey have **hope**.\thope\n"
    "hope\tja\t希望がある。\t希望\n"
    "cat\ten\tThe *cat* sleeps.\t\n"
    "dog\tfr\tLe *chien* dort.\t\n"
)


def write(folder, text):
    path = folder / "my contexts.tsv"
    path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
    return str(path)


def words(found):
    """The characters of each sentence that are its word."""
    return {code: [[each.text[each.begin : each.end] for each in own] for own in column]
            for code, column in found.contexts.sentences.items()}  # fmt: skip


@pytest.mark.parametrize("change", [
    str.encode, lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: text.encode("utf-16"),
    lambda text: text.replace("\n", "\r\n").encode(),
    lambda text: text.replace(", ", " ").replace("\t", ",").encode(),
])  # fmt: skip
def test_a_file_of_sentences(tmp_path, change, caplog):
    with caplog.at_level(logging.WARNING, "jaxalign"):
        found = contexts.with_contexts(LISTED, write(tmp_path, change(GOOD)))
    assert words(found) == {"en": [["dogs", "dog"], ["hope"]], "ja": [["犬"], ["希望"]]}
    assert found.contexts.name == "my-contexts"
    english, japanese = (found.contexts.sentences[code][0][0] for code in ("en", "ja"))
    assert english.text == "The dogs met another dog." and english.begin == 4
    assert japanese.text == "犬は犬を知る、この犬も。" and japanese.begin == 9  # the marked one of three
    assert "1 sentences" in caplog.text and "concepts that" in caplog.text and "languages that" in caplog.text
    assert "(cat)" in caplog.text and "(fr)" in caplog.text
    assert found._replace(contexts=None) == LISTED


@pytest.mark.parametrize(("line", "message"), [
    ("dog\ten\tNo word here.", "one marked word, got 0"),
    ("dog\ten\tA [[dog]] and a [[dog]].", "one marked word, got 2"),
    ("dog\ten\tA dog and a dog.\tdog", "one marked word, got 2"), ("dog\ten\tA cat.\tdog", "one marked word, got 0"),
    ("dog\ten\tA [[dog]].\tcat", "the column word, 'cat', got 'dog'"), ("dog\txx!\tA [[dog]].", "language, got 'xx!'"),
    ("dog\ten", "an id, a language and a sentence, got 2 of them"), ("\ten\tA [[dog]].", "a sentence, got 2 of them"),
    ("dog\ten\tThe [[ ]] barks.", "a word between its marks"), ("dog\ten\tThe <w></w> barks.", "between its marks"),
    ("dog\ten\tA [[dog.\tdog", "marks around one word alone"), ("dog\ten\tA [[dog]], <w>a</w>.", "one word alone"),
    ("dog\ten\tThis dogma.\tdog", "one marked word, got 0 in 'This dogma.' (it is part of a longer word)"),
])  # fmt: skip
def test_every_wrong_line_is_named(tmp_path, line, message):
    path = write(tmp_path, GOOD + "dog\ten\t[[dog]] [[dog]] again.\n" + line + "\n")
    with pytest.raises(InputError) as raised:
        contexts.with_contexts(LISTED, path)
    said = str(raised.value)
    assert message in said and "line 10" in said and "line 11" in said and "--contexts" in said
    assert "--concepts" not in said


@pytest.mark.parametrize(("content", "message"), [
    ("", "one column id"), ("id\ten\tfr\n", "one column language"), ("id\tlanguage\tsentence\tid\n", "one column id"),
    (b"PK\x03\x04", "Excel workbook"), (b"id\tlanguage\tsentence\n\xff", "Expected UTF-8"),
])  # fmt: skip
def test_a_wrong_file_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message) as raised:
        contexts.with_contexts(LISTED, write(tmp_path, content))
    assert "--contexts" in str(raised.value) and "--concepts" not in str(raised.value)


@pytest.mark.parametrize(("sentence", "word", "text", "begin"), [
    ("2 * 3 * 4 is a **big** [[dog]].", "", "2 * 3 * 4 is a **big** dog.", 23), ("A [[[dog]]].", "", "A [dog].", 3),
    ("2 * 3 * 4 is a dog.", "dog", "2 * 3 * 4 is a dog.", 15),
    ("Dogma, dogs, a dog!", "dog", "Dogma, dogs, a dog!", 15),
    ("An x*dog*y.", "", "An xdogy.", 4), ("Ces [[ chiens ]]-là.", "chiens", "Ces chiens-là.", 4),
])  # fmt: skip
def test_which_word_of_a_sentence_is_marked(tmp_path, sentence, word, text, begin):
    path = write(tmp_path, f"{GOOD}dog\ten\t{sentence}\t{word}\n")
    assert contexts.with_contexts(LISTED, path).contexts.sentences["en"][0][-1][:2] == (text, begin)


def test_words_beside_other_letters_in_scripts_without_blanks(tmp_path):
    known = LISTED._replace(words={"th": ("หมา", "หวัง"), "ja": LISTED.words["ja"]})
    lines = ["id\tlanguage\tsentence\tword", "dog\tth\tแมวเห็นหมานอน\tหมา", "hope\tth\tเขามีความหวังมาก\tหวัง",
             "dog\tja\tこの犬が好き\t犬", "hope\tja\tまだ希望を持つ\t希望"]  # fmt: skip
    found = contexts.with_contexts(known, write(tmp_path, "\n".join(lines) + "\n"))
    assert words(found) == {"th": [["หมา"], ["หวัง"]], "ja": [["犬"], ["希望"]]}


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="carrier, wordnet or a file that can be read"):
        contexts.with_contexts(LISTED, str(tmp_path / "nothing.tsv"))


def test_a_concept_without_a_sentence_is_an_error_or_left_out(tmp_path):
    path = write(tmp_path, GOOD.replace("hope\tja", "dog\tja"))
    with pytest.raises(InputError, match=r"1 of 2 concepts \(hope\).*en 2, ja 1.*--missing=drop"):
        contexts.with_contexts(LISTED, path)
    found = contexts.with_contexts(LISTED, path, "drop")
    assert found.ids == ("dog",) and found.words == {"en": ("dog",), "ja": ("犬",)} and found.kinds == ("physical",)
    assert found.answers == {"en": (("dog",),), "ja": (("犬",),)} and words(found)["ja"] == [["犬", "希望"]]
    assert found.filters == (("listed", 2), ("a sentence in every language", 1))
    with pytest.raises(InputError, match="2 of 2 concepts"):
        contexts.with_contexts(LISTED, write(tmp_path, "id\tlanguage\tsentence\ndog\ten\tA [[dog]].\n"), "drop")


def test_carrier_sentences_of_all_seven_languages_hold_the_word_once():
    known = dataset.load("builtin", ("en", "fr", "ro", "eu", "fi", "ja", "th"))
    found = contexts.with_contexts(known, "carrier")
    assert found.contexts.name == "carrier"
    for code, column in known.words.items():
        sentences = found.contexts.sentences[code]
        assert {len(own) for own in sentences} == {3}
        for word, own in zip(column, sentences, strict=True):
            assert {each.text[each.begin : each.end] for each in own} == {word}
            assert all(each.text.strip() == each.text and "{" not in each.text for each in own)
    # No sentence begins with the word: a causal model would see nothing of the sentence there.
    assert min(each.begin for own in found.contexts.sentences.values() for one in own for each in one) > 0
    with pytest.raises(InputError, match="sentences in 'sw'.*en, fr, ro, eu, fi, ja, th.*FILE.tsv"):
        contexts.with_contexts(known._replace(words={"sw": known.words["en"]}), "carrier")


def test_glosses_and_examples_of_wordnet(tiny):
    path = tiny / "wordnet" / "data.noun"
    with_gloss = '| a tame  animal; also a pet; "the Dog barked"; "dogs bark"; "a domestic dog sat"\n'
    lines = [line.partition("|")[0] + with_gloss if " dog 0" in line else line + "\n" for line in
             path.read_text().split("\n")]  # fmt: skip
    path.write_text("".join(lines))
    found = contexts.with_contexts(dataset.load("wordnet", ("en", "fr"), min_depth=1), "wordnet")
    row = found.ids.index("dog.n.01")
    english, french = (found.contexts.sentences[code][row] for code in ("en", "fr"))
    assert [each.text for each in english] == ["a tame animal; also a pet: dog", "the Dog barked", "a domestic dog sat"]
    assert [each.text[each.begin : each.end] for each in english] == ["dog", "Dog", "domestic dog"]
    assert [each.text for each in french][0] == "Tout le monde connaît le mot chien."
    with pytest.raises(InputError, match="synsets of WordNet.*got 'dog' and 1 others"):
        contexts.with_contexts(LISTED, "wordnet")


@pytest.mark.parametrize(
    ("stem", "name"), [("a|b", "a-b"), ("my contexts", "my-contexts"), ("été.v2", "été.v2"), ("::", "file")]
)
def test_the_label_of_a_file_separates_no_parts(tmp_path, stem, name):
    """A `|` would divide the keys of ranks.npz."""
    path = tmp_path / f"{stem}.tsv"
    path.write_text(GOOD, "utf-8")
    assert contexts.with_contexts(LISTED, str(path)).contexts.name == name
