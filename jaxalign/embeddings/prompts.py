"""Prompt templates: texts with a slot for a word, read from a TSV of `name`, `language`, `form` and `template`.

`language` is the language that a text is for, `*` for all; `form` is `plain` or `chat` (the text is the user's turn in
the tokenizer's own chat template). `{text}` stands for the word, `{lang}` for the English name of its language.
"""

import re
import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from jaxalign import languages
from jaxalign.embeddings.tokenize import Tokens
from jaxalign.types import InputError, Occurrence

# For chat templates that ask for today's date: the one that Llama 3.1's falls back on.
DATE = time.strptime("2024-07-26", "%Y-%m-%d")
PAPER = "paper"  # Peng & Søgaard 2024, after Li & Li 2023
_BLOCK = 2048  # prompts tokenised at once
_COLUMNS = ["name", "language", "form", "template"]


class Template(NamedTuple):
    """A named template: one text for all languages (`*`) or one per language."""

    name: str
    frames: dict[str, str]  # language or "*" -> text with {text}
    chat: bool = False


def load(path: str | Path | None = None) -> dict[str, Template]:
    """Returns the templates of a TSV by name; without a path, the built-in ones."""
    if path is None:
        text, name = resources.files("jaxalign").joinpath("data/templates.tsv").read_text("utf-8"), "templates.tsv"
    else:
        text, name = _read(Path(path)), str(path)
    numbered = enumerate(re.split("\r\n|\r|\n", text), 1)
    lines = [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")]
    rows = [line.split("\t") for _, line in lines]
    if not rows or rows[0] != _COLUMNS:
        got = ", ".join(rows[0]) if rows else "an empty file"
        raise InputError(f"Expected the columns {', '.join(_COLUMNS)} in {name}, got {got}. Correct --templates.")
    templates: dict[str, Template] = {}
    for (number, _), row in zip(lines[1:], rows[1:], strict=True):
        _add(templates, row, f"{name}, line {number}")
    if not templates:
        raise InputError(f"Expected at least one template in {name}, got none. Correct --templates.")
    return templates


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"Expected a file of prompt templates, got {path}. Correct --templates.") from None
    except (ValueError, OSError) as error:
        raise InputError(f"Expected a readable UTF-8 file, got {path} ({error}). Correct --templates.") from None


def _add(templates: dict[str, Template], row: list[str], place: str) -> None:
    if len(row) != len(_COLUMNS):
        raise InputError(f"Expected {len(_COLUMNS)} columns, got {len(row)} ({place}). Correct --templates.")
    name, language, form, frame = (cell.strip() for cell in row)
    if not name or any(mark in name for mark in ":/, "):
        raise InputError(f"Expected a name without ':', '/', ',', spaces, got {name!r} ({place}). Correct --templates.")
    if form not in ("plain", "chat"):
        raise InputError(f"Expected the form plain or chat, got {form!r} ({place}). Correct --templates.")
    check_slots(frame, place)
    template = templates.setdefault(name, Template(name, {}, form == "chat"))
    if language in template.frames or template.chat != (form == "chat"):
        raise InputError(f"Expected one text per name and language, got {name!r} again ({place}). Correct --templates.")
    template.frames[language] = frame


def check_slots(frame: str, place: str = "template") -> None:
    """Raises InputError unless the text has {text} exactly once and no braces other than those of {lang}."""
    rest = frame.replace("{lang}", "")
    if rest.count("{text}") != 1 or "{" in rest.replace("{text}", "") or "}" in rest.replace("{text}", ""):
        raise InputError(
            f"Expected {{text}} exactly once and no braces except {{text}} and {{lang}}, got {frame!r} ({place}). "
            "Correct --templates."
        )


def language_name(language: str) -> str:
    """Returns the English name of a language from its code; a regional code gives the name of its language."""
    try:
        return languages.english_name(language)
    except LookupError:
        raise InputError(
            f"Expected a language code with an English name, such as fr or fra, got {language!r}. "
            "Correct --languages, or use a template without {lang}."
        ) from None


class Filled(Sequence[str]):
    """Prompts, each made when it is read, so that a long list of them is never in memory at once."""

    def __init__(self, before: str, texts: Sequence[str], after: str):
        self.before, self._texts, self.after = before, texts, after

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Filled(self.before, self._texts[at], self.after)
        return self.before + self._texts[at] + self.after

    def span(self, number: int) -> slice:
        """The characters of a prompt that are the word."""
        return slice(len(self.before), len(self.before) + len(self._texts[number]))


class InContext(Sequence[str]):
    """Sentences of all concepts, one concept after another, with the place of the word in each."""

    def __init__(self, sentences: Sequence[Sequence[Occurrence]]):
        self._all = [occurrence for own in sentences for occurrence in own]
        self.starts = np.cumsum([0, *map(len, sentences)])[:-1]  # number of each concept's first sentence

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, at: Any) -> Any:
        chosen = self._all[at]
        return [each.text for each in chosen] if isinstance(at, slice) else chosen.text

    def span(self, number: int) -> slice:
        """The characters of a sentence that are the word."""
        return slice(self._all[number].begin, self._all[number].end)


def fill(template: Template, texts: Sequence[str], language: str, tokenizer: Any = None) -> Filled:
    """Returns the prompts of `texts` in the template of their language, ready for the tokenizer.

    A chat template is rendered once and contains its own special tokens: tokenise with `add_special_tokens=False`.
    """
    by_code = {languages.canonical(code): frame for code, frame in template.frames.items()}
    frame = template.frames.get(language, by_code.get(languages.canonical(language), template.frames.get("*")))
    if frame is None:
        raise InputError(
            f"Expected a text for {language!r} in template {template.name!r}, got {', '.join(template.frames)}. "
            "Add it to --templates or correct --languages."
        )
    if "{lang}" in frame:
        frame = frame.replace("{lang}", language_name(language))
    if template.chat:
        frame = _chat(frame, template.name, tokenizer)
    before, after = frame.split("{text}")
    return Filled(before, texts, after)


def _chat(frame: str, name: str, tokenizer: Any) -> str:
    if getattr(tokenizer, "chat_template", None) is None:
        raise InputError(
            f"Expected a tokenizer with a chat template for the prompt {name!r}, got a tokenizer without one. "
            "Choose another template with --template_names or a chat model with --models."
        )
    turn = [{"role": "user", "content": frame}]
    template = tokenizer.chat_template
    dated = {"chat_template": _with_fixed_date(template, name)} if "strftime_now" in str(template) else {}
    rendered = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True, **dated)
    check_slots(rendered.replace("{text}", "\0").replace("{", "").replace("}", "").replace("\0", "{text}"), name)
    return rendered


def _with_fixed_date(template: Any, name: str) -> str:
    """The chat template with `DATE` for today's date: with the real one vectors would change every day."""
    if isinstance(template, dict):
        template = template.get("default")
    call_of_date = r"strftime_now\(\s*(['\"])(.*?)\1\s*\)"
    fixed = re.sub(call_of_date, lambda call: repr(time.strftime(call[2], DATE)), str(template))
    if "strftime_now(" in fixed:
        raise InputError(
            f"Expected a chat template that asks for the date in a fixed format, got another call of strftime_now for "
            f"the prompt {name!r}. Choose another template with --template_names."
        )
    return fixed


def check_offsets(tokenizer: Any) -> None:
    """InputError unless the tokenizer says where its tokens stand in a text."""
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(
            "Expected a tokenizer with tokenizer.json for --pooling=concept and --contexts, which need the place of "
            f"each token in the text, got {type(tokenizer).__name__}. Give another --pooling, or drop --contexts."
        )


def concept_tokens(tokenizer: Any, texts: Sequence[str], tokens: Tokens, add_special_tokens: bool) -> Tokens:
    """The tokens with `inner_from:inner_to` as those that hold a letter of the concept; of bare words, as they are.

    A token that holds letters of the concept and of the prompt around it counts. Raises InputError where a concept has
    no token of its own, as when the tokenizer leaves all its letters out.
    """
    if not isinstance(texts, Filled | InContext):
        return tokens
    check_offsets(tokenizer)
    begins, ends = tokens.inner_from.copy(), tokens.inner_to.copy()
    for first in range(0, len(texts), _BLOCK):
        block = list(texts[first : first + _BLOCK])
        spans = tokenizer(block, add_special_tokens=add_special_tokens, return_offsets_mapping=True)["offset_mapping"]
        for number, (text, own) in enumerate(zip(block, spans, strict=True), first):
            word = texts.span(number)
            places = [place for place, (a, b) in enumerate(own) if a < b and a < word.stop and b > word.start]
            if not places:
                raise InputError(
                    f"Expected a token of the concept in each text, got none for {text[word]!r} in {text[:60]!r}. "
                    "Give another --pooling or other --contexts, or leave the concept out."
                )
            begins[number], ends[number] = places[0], places[-1] + 1
    return tokens._replace(inner_from=begins, inner_to=ends)
