"""Concepts from WordNet and OMW: on a wordnet of twelve synsets, and against nltk's own reader on the real one."""

import warnings

import nltk
import pytest

from jaxalign.concepts import dataset, wordnet, wordnet_files
from jaxalign.concepts.word_forms import ignoring_case
from jaxalign.types import InputError
from tests.concepts.small_wordnet import table

ISO_639_3 = {"fr": "fra", "ro": "ron", "eu": "eus"}
SEVEN = ("en", "fr", "ro", "eu", "fi", "ja", "th")


def test_filters_words_and_kinds(tiny):
    found = dataset.load("wordnet", ("en", "fr"), min_depth=1)
    assert found.filters == (("nouns", 12), ("shared", 9), ("depth 1", 9), ("clean", 9), ("distinct", 8))
    assert found.ids == (
        "animal.n.01", "dog.n.01", "cat.n.01", "feeling.n.01", "love.n.01", "gold.n.01", "thing.n.01", "lassie.n.01",
    )  # fmt: skip
    assert dict(zip(found.ids, found.kinds, strict=True)) == {
        "animal.n.01": "physical", "dog.n.01": "physical", "cat.n.01": "physical", "feeling.n.01": "abstract",
        "love.n.01": "abstract", "gold.n.01": "physical", "thing.n.01": "other", "lassie.n.01": "physical",
    }  # fmt: skip
    assert found.words["fr"] == ("animal", "chien", "Chat", "sensation bénigne", "amour", "or", "chose", "Lassie")


def test_every_lemma_is_an_answer(tiny):
    found = dataset.load("wordnet", ("en", "fr"), min_depth=1)
    answers = {code: dict(zip(found.ids, column, strict=True)) for code, column in found.answers.items()}
    assert answers["en"]["dog.n.01"] == ("dog", "domestic dog") and answers["fr"]["dog.n.01"] == ("chien", "clébard")
    assert all(words[0] == word for code in ("en", "fr") for words, word in zip(found.answers[code], found.words[code],
                                                                                strict=True))  # fmt: skip


def test_romanian_gets_the_comma_and_an_empty_lemma_goes(tiny):
    found = dataset.load("wordnet", ("ro",), min_depth=1)
    assert found.words == {"ro": ("câine", "pisică", "șansă", "aur", "pisicuță")}
    assert dict(found.filters)["depth 1"] - dict(found.filters)["clean"] == 1


def test_depth_is_the_shortest_path_and_instances_count(tiny):
    assert dataset.load("wordnet", ("en", "fr"), min_depth=2).ids[:2] == ("animal.n.01", "dog.n.01")
    assert "gold.n.01" in dataset.load("wordnet", ("en", "fr"), min_depth=2).ids  # 2 as matter, 4 as love
    assert "gold.n.01" not in dataset.load("wordnet", ("en", "fr"), min_depth=3).ids
    assert dataset.load("wordnet", ("en", "fr"), min_depth=4).ids == ("lassie.n.01",)


@pytest.mark.parametrize("both, kind", [("physical", "physical"), ("abstract", "abstract"), ("drop", None)])
def test_synsets_of_both_kinds(tiny, both, kind):
    found = dataset.load("wordnet", ("en", "fr"), min_depth=1, both=both)
    assert dict(zip(found.ids, found.kinds, strict=True)).get("gold.n.01") == kind
    assert ("kinds", 8) in found.filters or both != "drop"


def test_nothing_shared(tiny):
    with pytest.raises(InputError, match=r"share, got none .*shared 9, depth 9 0.*--min_depth"):
        dataset.load("wordnet", ("en", "fr"), min_depth=9)


def test_a_count_may_stand_behind_the_lemma_and_a_number_before_it(tiny):
    table = tiny / "omw-2.0" / "fra" / "wn-data-fra.tab"
    counted = table.read_text().replace("chose", "chose\t42").replace("lemma\tor\n", "lemma\t0\tor\n")
    table.write_text(counted + "00003000-n\tlemma\t1984\t7\n")
    found = dataset.load("wordnet", ("en", "fr"), min_depth=1)
    assert found.words["fr"][-2:] == ("chose", "Lassie") and "or" in found.words["fr"]
    assert wordnet.lemmas(table.read_bytes(), "fr")[3000] == ("animal", "1984")


def test_turkish_capitals_are_one_form(tiny):
    for name, lemmas in (("omw-2.0/tr/wn-data-tur", {4000: ["İlaç"], 4100: ["ilaç"], 5100: ["ışık"], 6000: ["Işık"]}),):
        path = tiny / f"{name}.tab"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(table(name[-3:], lemmas), encoding="utf-8")
    assert dataset.load("wordnet", ("tr",), min_depth=1).ids == ("dog.n.01", "love.n.01")


@pytest.mark.parametrize("damage", ["0000", "00004000 03 n 01 dog 0 999 @", "x y z | gloss"])
def test_damagednoun_files(tiny, damage):
    path = tiny / "wordnet" / "data.noun"
    path.write_text(path.read_text() + damage + "\n")
    with pytest.raises(InputError, match="noun files, got a wrong line"):
        dataset.load("wordnet", ("en", "fr"))


def test_a_table_in_another_encoding(tiny):
    (tiny / "omw-2.0" / "fra" / "wn-data-fra.tab").write_bytes("00004000-n\tfra:lemma\tété\n".encode("latin-1"))
    with pytest.raises(InputError, match="table for fr in UTF-8"):
        dataset.load("wordnet", ("en", "fr"))


def test_cache(tiny, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    expected = dataset.load("wordnet", ("en", "fr"), min_depth=1, cache_dir=cache)
    (entry,) = cache.iterdir()
    assert entry.stat().st_mode & 0o777 == 0o600
    with monkeypatch.context() as patch:
        patch.setattr(wordnet, "concepts", None)  # not called
        assert dataset.load("wordnet", ("en", "fr"), min_depth=1, cache_dir=cache) == expected
    for damage in (b"", b"[]", b"{}", entry.read_bytes()[:-40], entry.read_bytes().replace(b"chien", b"niche")):
        entry.write_bytes(damage)
        assert dataset.load("wordnet", ("en", "fr"), min_depth=1, cache_dir=cache) == expected
    assert len(list(cache.iterdir())) == 1
    dataset.load("wordnet", ("en", "fr"), min_depth=2, cache_dir=cache)
    table = tiny / "omw-2.0" / "fra" / "wn-data-fra.tab"
    table.write_text(table.read_text().replace("chien", "toutou"))
    assert "toutou" in dataset.load("wordnet", ("en", "fr"), min_depth=1, cache_dir=cache).words["fr"]
    assert len(list(cache.iterdir())) == 3


@pytest.fixture(scope="module")
def real(wordnet_data):
    """nltk's own reader with the real data."""
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setattr(nltk.data, "path", [str(wordnet_data)])
        yield nltk.corpus.wordnet


def test_all_seven_languages_share_enough(real):
    found = dataset.load("wordnet", SEVEN)
    assert found.filters == (("nouns", 82115), ("shared", 2881), ("depth 5", 2724), ("clean", 2724), ("distinct", 2259))
    for words in found.words.values():
        assert len({ignoring_case(word) for word in words}) == len(words) == 2259
    assert min(found.kinds.count("abstract"), found.kinds.count("physical")) > 500


@pytest.mark.slow
def test_agrees_with_nltk(real):
    """Names, depths, kinds and first lemmas of every 20th shared synset, from nltk's reader."""
    files = wordnet_files.read(SEVEN)
    nouns = wordnet.parse(files)
    tables = {code: wordnet.lemmas(files.tables[code], code) for code in SEVEN[1:]}
    tree = wordnet.hyponyms(nouns)
    depth, physical = wordnet.depths(tree), wordnet.depths(tree, wordnet.PHYSICAL_ENTITY)
    shared = [it for it in nouns.lemmas if all(it in table for table in tables.values())]
    for it in shared[::20]:
        synset = real.synset_from_pos_and_offset("n", it)
        assert wordnet.name(nouns, it) == synset.name()
        assert depth[it] == synset.min_depth()
        above = {found.name() for path in synset.hypernym_paths() for found in path}
        assert (it in physical) == ("physical_entity.n.01" in above)
        assert nouns.lemmas[it] == tuple(synset.lemma_names())
        # nltk gives topics in the order of a hash of strings, which differs from process to process.
        topics = [topic.offset() for topic in synset.topic_domains() if topic.pos() == "n"]
        assert sorted(nouns.topics[it]) == sorted(topics)
        assert nouns.files[it] == real._lexnames.index(synset.lexname())
        for code in ("fr", "ro", "eu"):
            assert [lemma.replace(" ", "_") for lemma in tables[code][it]] == synset.lemma_names(ISO_639_3[code])


# While GAP! counted as a word, 24,246 were clean and 17,485 distinct (github.com/omwn/omw-data issue 45).
def test_italian_gaps_are_no_words(real):
    found = dataset.load("wordnet", ("en", "it"))
    assert found.filters[-2:] == (("clean", 24101), ("distinct", 17858))
    assert not any("GAP!" in word for word in found.words["it"])


@pytest.mark.slow
def test_words_with_letters_come_before_digits(real):
    place = {code: dataset.load("wordnet", ("en", code), min_depth=0) for code in ("fr", "th")}
    word = {code: dict(zip(found.ids, found.words[code], strict=True)) for code, found in place.items()}
    assert not word["fr"]["one.n.01"].isdigit() and word["fr"]["rudiment.n.01"] == "alphabet"
    assert word["fr"]["burlap.n.01"] == "jute" and word["fr"]["lynx.n.02"] == "lynx"
    assert word["th"]["twenty.n.01"] == "ยี่สิบ" and word["th"]["abbacy.n.01"] == "ตำแหน่งเจ้าอาวาส"


def test_other_languages_than_the_seven(real):
    assert wordnet_files.languages() == ["en", "eu", "fi", "fr", "it", "ja", "ro", "th", "zh"]
    found = dataset.load("wordnet", ("zh", "ita"))
    place = found.ids.index("wolf.n.01")
    assert found.words["zh"][place] == "狼" and found.words["it"][place] == "lupo"
