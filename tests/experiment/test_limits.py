"""What concepts and split allow: k, seed sizes, and controls whose libraries are not installed."""

import pytest

from jaxalign.config import Config
from jaxalign.experiment import limits
from jaxalign.types import Concepts, InputError, Split

IDS = tuple(f"c{i}" for i in range(12))
CONCEPTS = Concepts(IDS, ("abstract", "physical") * 6, {"en": IDS, "fr": IDS}, ())
SPLIT = Split(IDS[:8], IDS[8:])


def test_default_k_above_the_candidates_are_left_out_and_given_ones_refused():
    assert limits.ks_of(Config(), CONCEPTS, [SPLIT]) == (1, 5, 10)
    assert limits.ks_of(Config(candidates="test", csls_k=4), CONCEPTS, [SPLIT]) == (1,)
    with pytest.raises(InputError, match="--k of at most 12, the candidates, got 13"):
        limits.ks_of(Config(k=(1, 13)), CONCEPTS, [SPLIT])
    with pytest.raises(InputError, match="--csls_k"):
        limits.ks_of(Config(csls_k=13), CONCEPTS, [SPLIT])


def test_identical_words_are_counted_among_the_seeds(caplog):
    ids = tuple(f"c{number}" for number in range(40))
    same = tuple(f"w{number}" for number in range(40))
    words = {"en": same, "fr": (*same[:12], *(f"x{number}" for number in range(28))), "fi": tuple(f"y{n}" for n in ids)}
    concepts, config = Concepts(ids, ("other",) * 40, words, ()), Config(seed_dictionary="identical")
    with caplog.at_level("WARNING"):
        limits.check_identical(config, concepts, Split(ids[:30], ids[30:]))
    assert "en-fi (0), fr-fi (0) are left out, with fewer than 10" in caplog.text and "en-fr" not in caplog.text
    with pytest.raises(InputError, match=r"10 seed concepts or more .*en-fr \(5\)"):
        limits.check_identical(config, concepts, Split((*ids[:5], *ids[12:30]), ids[30:]))
    limits.check_identical(Config(refine=1), concepts, Split(ids[20:30], ids[30:]))
    with pytest.raises(InputError, match="their ids only"):
        limits.check_identical(
            Config(seed_dictionary="identical", spaces="vec"),
            concepts._replace(words={"en": ids, "fr": ids}),
            Split(ids[:30], ids[30:]),
        )


def test_seed_sizes_up_to_the_dictionary():
    assert limits.seed_sizes_of(Config(seed_sizes=(0, 4, 9)), SPLIT) == (4, 8)
    with pytest.raises(InputError, match="--seed_sizes of at most 8"):
        limits.seed_sizes_of(Config(seed_sizes=(9,)), SPLIT)


def test_matched_needs_wordfreq_unless_the_list_has_frequencies(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="wordfreq .*trait:frequency"):
        limits.check_libraries(Config(controls=("matched",)))
    (tmp_path / "list.tsv").write_text("id\ten\tfr\ttrait:frequency\nc0\tdog\tchien\t3.5\n")
    limits.check_libraries(Config(controls=("matched",), concepts=str(tmp_path / "list.tsv")))
    limits.check_libraries(Config(controls=("identical",)))
    with pytest.raises(InputError, match="statsmodels"):
        limits.check_libraries(Config(controls=("confounds",)))


def test_matched_spaces_with_english_need_wordfreq_before_they_are_read(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "find_spec", lambda name: None)
    for code in ("eng", "fr", "de"):
        (tmp_path / f"{code}.vec").write_text("this file is not read")
    for languages in (("auto",), ("eng", "fr")):
        with pytest.raises(InputError, match="wordfreq"):
            limits.check_libraries(Config(controls=("matched",), spaces=str(tmp_path), languages=languages))
    limits.check_libraries(Config(controls=("matched",), spaces=str(tmp_path), languages=("fr", "de")))


def test_a_language_written_in_two_ways_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    for languages in (("en", "eng"), ("English", "en"), ("zh", "cmn")):
        with pytest.raises(InputError, match="each once"):
            limits.check_languages(Config(languages=languages))
    limits.check_languages(Config(languages=("en", "pt-BR", "pt")))
    limits.check_languages(Config(languages=("en", "eng"), spaces=str(tmp_path)))
