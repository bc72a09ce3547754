"""Words out of cells and lemmas, and the form by which words count as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxalign.concepts.word_forms import ignoring_case, words_of_cell, words_of_lemmas


@pytest.mark.parametrize(
    "lemma, language, expected",
    [
        ("pomme_de_terre", "fr", "pomme de terre"),
        ("Tumeur b%C3%A9nigne", "fr", "Tumeur bénigne"),
        ("100%", "fr", "100%"),
        ("%FF", "fr", "%FF"),
        ("puce %28insecte%29 | fr:puce", "fr", "puce"),
        ("urochordata|fr:urochordés", "fr", "urochordata"),
        ("การมาถึง &amp;nbsp;", "th", "การมาถึง"),
        ("S&amp;P_500", "fi", "S&P 500"),
        ("ţăran", "ro", "țăran"),
        ("Şansă", "ron", "Șansă"),
        ("s\u0327ansă", "ro", "șansă"),
        ("kuruş", "fi", "kuruş"),
        ("e\u0301te\u0301", "fr", "été"),
        (" a\u00a0\u200bb\n", "", "a b"),
        ("|fr:x", "fr", ""),
        ("jute#toile de jute", "fr", "jute"),
        ("Radiateur#.C3.89changeur", "fr", "Radiateur"),
        ("C#", "en", "C#"),
        ("<big><b>=</b></big>", "fr", ""),
        ("vitamine B&lt;sub&gt;6&lt;/sub&gt;", "fr", "vitamine B6"),
        ("lynx (mammifère)", "fr", "lynx"),
        ("c\x9cur", "fr", "cœur"),
        ("-520", "fr", "520"),
        ("中意+的人", "zh", "中意的人"),
        ("篮[箱]的量", "zh", "篮的量"),
        ("C++", "en", "C++"),
        ("muschetă\u200e", "ro", "muschetă"),
        ("\u202bكلب\u202c", "ar", "كلب"),
        ("می\u200cخواهم", "fa", "می\u200cخواهم"),
        ("มอสส\uf70e", "th", "มอสส์"),
        ("เหล็กกล\uf70bา", "th", "เหล็กกล้า"),
        ("\uf71a\uf700", "th", "\u0e3a\u0e10"),
        ("斑黄胡蜂\ue00a", "zh", ""),
        ("阿达尔月(即犹太教历12月", "zh", "阿达尔月"),
        ("nightbird (album", "fr", "nightbird"),
        ("maa\\", "fi", "maa"),
        ("Directeur :", "fr", "Directeur"),
        ("GAP!", "it", ""),
        ("PSEUDOGAP!", "it", ""),
        ("tilanne, jota ei voi voittaa", "fi", "tilanne, jota ei voi voittaa"),
        ("ตำแหน่งเจ้าอาวาส,ตำแหน่งอธิการวัด", "th", "ตำแหน่งเจ้าอาวาส"),
        ("croque-mitaine ; bonhomme sept-heures", "fr", "croque-mitaine"),
    ],
)
def test_a_lemma_as_it_is_written_in_a_text(lemma, language, expected):
    assert "".join(words_of_lemmas([lemma], language)[:1]) == expected


@pytest.mark.parametrize(
    "lemmas, language, expected",
    [
        (["1", "un", "tel"], "fr", ("un", "tel", "1")),
        (["5", "V", "cinque"], "it", ("cinque", "5", "V")),
        (["L", "l", "litro"], "it", ("L", "l", "litro")),
        (["-520", "alphabet"], "fr", ("alphabet", "520")),
        (["-zale", "mendeko"], "eu", ("mendeko", "zale")),
        (["GAP!", "tenere", "tenere"], "it", ("tenere",)),
        (["1984"], "fr", ("1984",)),
    ],
)
def test_the_best_lemma_comes_first(lemmas, language, expected):
    assert words_of_lemmas(lemmas, language) == expected


@pytest.mark.parametrize(
    "cell, expected",
    [
        ("cove, bay", ("cove", "bay")),
        ("make water; piss; urine, urinate", ("make water", "piss", "urine", "urinate")),
        ("time / duration", ("time", "duration")),
        ("and/or", ("and/or",)),
        ("1,000", ("1,000",)),
        ("Kiefer[Baum]", ("Kiefer",)),
        ("cattle (= livestock); livestock", ("cattle", "livestock")),
        ("hunt (vb., hunt wild animals)", ("hunt",)),
        ("*pod-", ("pod",)),
        ("dry_up", ("dry up",)),
        ("山、岳", ("山", "岳")),
        ("'dog', 'hound'", ("dog", "hound")),
        ("'dog, hound'", ("dog", "hound")),
        ("“Hund”", ("Hund",)),
        ("„Hund“; «Köter»", ("Hund", "Köter")),
        ('*"pod"-', ("pod",)),
        ("'aina", ("'aina",)),
        ("rock 'n' roll", ("rock 'n' roll",)),
        ("(?)", ()),
        ("", ()),
    ],
)
def test_the_words_of_a_cell(cell, expected):
    assert words_of_cell(cell, "en") == expected


@given(st.text())
def test_words_stay_as_they_are(text):
    for word in words_of_cell(text.replace("&", "").replace("%", ""), "ro"):
        assert words_of_cell(word, "ro")[:1] == (word,) and word == word.strip()


def test_case_is_ignored_as_the_language_writes_it():
    assert ignoring_case("İlaç", "tr") == ignoring_case("ilaç", "tr") == ignoring_case("İlaç")
    assert ignoring_case("IŞIK", "tr") == ignoring_case("ışık", "tr") != ignoring_case("IŞIK")
    assert ignoring_case("Straße") == ignoring_case("STRASSE")
