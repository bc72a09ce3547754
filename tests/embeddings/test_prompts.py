"""Templates: the paper's wording, every language, and files with mistakes."""

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxalign.embeddings import prompts, tokenize
from jaxalign.types import InputError
from tests import tiny

SEVEN = ("en", "fr", "ro", "eu", "fi", "ja", "th")
HEADER = "name\tlanguage\tform\ttemplate\n"


class Chatty:
    chat_template = "yes"

    def apply_chat_template(self, turns, tokenize, add_generation_prompt):
        assert not tokenize and add_generation_prompt
        return f"<s>[INST] {turns[0]['content']} [/INST]"


def test_the_papers_prompt():
    paper = prompts.load()[prompts.PAPER]
    assert list(prompts.fill(paper, ["chien"], "fr")) == ['Summarize concept "chien" in one French word:']
    names = [prompts.fill(paper, ["x"], language)[0].split()[-2] for language in SEVEN]
    assert names == ["English", "French", "Romanian", "Basque", "Finnish", "Japanese", "Thai"]


@pytest.mark.parametrize(
    "code, name", [("eng", "English"), ("cmn", "Chinese"), ("zh-Hans", "Chinese"), ("FR", "French")]
)
def test_every_code_of_a_language_has_its_name(code, name):
    (text,) = prompts.fill(prompts.load()[prompts.PAPER], ["x"], code)
    assert text == f'Summarize concept "x" in one {name} word:'


def test_a_text_is_found_by_any_code_of_its_language():
    native = prompts.load()["native"]
    assert list(prompts.fill(native, ["chien"], "fra")) == list(prompts.fill(native, ["chien"], "fr"))


def test_at_least_eight_templates_serve_all_seven_languages():
    templates = prompts.load()
    assert len(templates) >= 8
    for template in templates.values():
        for language in SEVEN:
            (text,) = prompts.fill(template, ["{odd} word"], language, Chatty())
            assert text.count("{odd} word") == 1 and "{text}" not in text and "{lang}" not in text
    assert set(templates["native"].frames) == set(SEVEN)


def test_chat_goes_through_the_tokenizers_template():
    chat = prompts.load()["chat"]
    want = '<s>[INST] Summarize concept "ki" in one Japanese word. [/INST]'
    assert list(prompts.fill(chat, ["ki"], "ja", Chatty())) == [want]
    with pytest.raises(InputError, match="chat template"):
        prompts.fill(chat, ["ki"], "ja", object())


@pytest.mark.parametrize("body, message", [
    ("a\t*\tplain\tno word", "exactly once"), ("a\t*\tplain\t{text} {text}", "exactly once"),
    ("a\t*\tplain\t{text} {word}", "no braces"), ("a\t*\tloud\t{text}", "plain or chat"), ("a\t*\tplain", "4 columns"),
    ("a:b\t*\tplain\t{text}", "name without"), ("", "at least"),
    ("a\t*\tplain\t{text}\na\t*\tplain\t{text}!", "one text per name"),
])  # fmt: skip
def test_wrong_files_name_the_line(tmp_path, body, message):
    path = tmp_path / "templates.tsv"
    path.write_text(HEADER + body, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        prompts.load(path)


def test_wrong_places(tmp_path):
    with pytest.raises(InputError, match="--templates"):
        prompts.load(tmp_path / "none.tsv")
    with pytest.raises(InputError, match="text for 'de'"):
        prompts.fill(prompts.load()["native"], ["x"], "de")
    with pytest.raises(InputError, match="--languages"):
        prompts.fill(prompts.load()["paper"], ["x"], "xx")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_file_loads_or_is_an_input_error(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "t.tsv"
    path.write_bytes(HEADER.encode() + data)
    try:
        prompts.load(path)
    except InputError:
        pass


def test_a_chat_template_that_asks_for_the_date_gives_the_same_prompt_every_day(tmp_path):
    tiny.write_tokenizer(tmp_path)
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path)
    tokenizer.chat_template = (
        "{% if strftime_now is defined %}{% set day = strftime_now('%d %b %Y') %}{% endif %}"
        "{{ day }}: {{ messages[0]['content'] }}"
    )
    (text,) = prompts.fill(prompts.load()["chat"], ["ki"], "ja", tokenizer)
    assert text.startswith("26 Jul 2024: ") and "ki" in text
    tokenizer.chat_template = "{{ strftime_now(format) }}: {{ messages[0]['content'] }}"
    with pytest.raises(InputError, match="strftime_now"):
        prompts.fill(prompts.load()["chat"], ["ki"], "ja", tokenizer)


def test_the_tokens_of_the_concept_alone(tmp_path):
    """Of the prompt's tokens those that hold a letter of the word; a byte-level tokenizer has one token per letter."""
    tiny.write_tokenizer(tmp_path)
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(tmp_path)
    filled = prompts.Filled('"', ["dog", "a b"], '" (en)')
    tokens = tokenize.tokenize(tokenizer, filled)
    found = prompts.concept_tokens(tokenizer, filled, tokens, True)
    for number, word in enumerate(("dog", "a b")):
        start = tokens.offsets[number]
        own = tokens.ids[start + found.inner_from[number] : start + found.inner_to[number]]
        assert tokenizer.decode(own) == word
    plain = tokenize.tokenize(tokenizer, ["dog"])
    assert prompts.concept_tokens(tokenizer, ["dog"], plain, True) is plain
    with pytest.raises(InputError, match="--pooling=concept"):
        prompts.concept_tokens(object(), filled, tokens, True)
