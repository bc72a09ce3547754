"""Prompt templates: frames that hold a word, read from a TSV of `name`, `language`, `form` and `template`.

`language` is the language that a frame serves, `*` for all; `form` is `plain` or `chat` (the frame is the user's turn
of the tokenizer's own chat template). `{text}` stands for the word, `{lang}` for the English name of its language.
"""

import re
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from jaxalign.types import InputError

PAPER = "paper"  # Peng & Søgaard 2024, after Li & Li 2023
_COLUMNS = ["name", "language", "form", "template"]
_LANGUAGES = dict(
    entry.split("=") for entry in (
        "af=Afrikaans am=Amharic ar=Arabic as=Assamese az=Azerbaijani be=Belarusian bg=Bulgarian bn=Bengali bs=Bosnian "
        "ca=Catalan cs=Czech cy=Welsh da=Danish de=German el=Greek en=English es=Spanish et=Estonian eu=Basque "
        "fa=Persian fi=Finnish fr=French ga=Irish gl=Galician gu=Gujarati he=Hebrew hi=Hindi hr=Croatian hu=Hungarian "
        "hy=Armenian id=Indonesian is=Icelandic it=Italian ja=Japanese ka=Georgian kk=Kazakh km=Khmer kn=Kannada "
        "ko=Korean ky=Kyrgyz la=Latin lo=Lao lt=Lithuanian lv=Latvian mk=Macedonian ml=Malayalam mn=Mongolian "
        "mr=Marathi ms=Malay mt=Maltese my=Burmese nb=Norwegian ne=Nepali nl=Dutch nn=Norwegian no=Norwegian "
        "or=Odia pa=Punjabi pl=Polish ps=Pashto pt=Portuguese ro=Romanian ru=Russian sd=Sindhi si=Sinhala sk=Slovak "
        "sl=Slovenian so=Somali sq=Albanian sr=Serbian sv=Swedish sw=Swahili ta=Tamil te=Telugu tg=Tajik th=Thai "
        "tl=Tagalog tr=Turkish uk=Ukrainian ur=Urdu uz=Uzbek vi=Vietnamese xh=Xhosa yo=Yoruba zh=Chinese zu=Zulu"
    ).split()
)  # fmt: skip


class Template(NamedTuple):
    """A named template: one frame for all languages (`*`) or one a language."""

    name: str
    frames: dict[str, str]  # language or "*" -> frame
    chat: bool = False


def load(path: str | Path | None = None) -> dict[str, Template]:
    """Templates of a TSV by name; without a path, the built-in ones."""
    if path is None:
        text, name = resources.files("jaxalign").joinpath("data/templates.tsv").read_text("utf-8"), "templates.tsv"
    else:
        text, name = _read(Path(path)), str(path)
    numbered = enumerate(re.split("\r\n|\r|\n", text), 1)
    lines = [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")]
    rows = [line.split("\t") for _, line in lines]
    if not rows or rows[0] != _COLUMNS:
        found = rows[0] if rows else "an empty file"
        raise InputError(f"Expected the columns {', '.join(_COLUMNS)} in {name}, got {found}. Correct --templates.")
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
    check(frame, place)
    template = templates.setdefault(name, Template(name, {}, form == "chat"))
    if language in template.frames or template.chat != (form == "chat"):
        raise InputError(f"Expected one frame a name and language, got {name!r} again ({place}). Correct --templates.")
    template.frames[language] = frame


def check(frame: str, place: str = "template") -> None:
    """Raise InputError unless the frame holds {text} once and no other braces than {lang}."""
    rest = frame.replace("{lang}", "")
    if rest.count("{text}") != 1 or "{" in rest.replace("{text}", "") or "}" in rest.replace("{text}", ""):
        raise InputError(
            f"Expected {{text}} exactly once and no braces but {{text}} and {{lang}}, got {frame!r} ({place}). "
            "Correct --templates."
        )


def language_name(language: str) -> str:
    """English adjective of an ISO 639-1 code; a regional tag falls back to its language."""
    found = _LANGUAGES.get(language.replace("_", "-").split("-")[0].lower())
    if found is None:
        raise InputError(
            f"Expected an ISO 639-1 language that has an English name here, got {language!r}. "
            "Correct --languages, or use a template without {lang}."
        )
    return found


class Filled(Sequence[str]):
    """Texts inside a frame, each made when it is asked for: a long list of prompts is never in memory at once."""

    def __init__(self, before: str, texts: Sequence[str], after: str):
        self._before, self._texts, self._after = before, texts, after

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Filled(self._before, self._texts[at], self._after)
        return self._before + self._texts[at] + self._after


def fill(template: Template, texts: Sequence[str], language: str, tokenizer: Any = None) -> Filled:
    """The texts inside the frame of their language, ready for the tokenizer.

    A chat template is rendered once and holds its own special tokens: tokenise with `add_special_tokens=False`.
    """
    frame = template.frames.get(language, template.frames.get("*"))
    if frame is None:
        raise InputError(
            f"Expected a frame for {language!r} in template {template.name!r}, got {', '.join(template.frames)}. "
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
            f"Expected a tokenizer with a chat template for the prompt {name!r}, got one without. "
            "Choose other templates (--templates) or a chat model (--models)."
        )
    turn = [{"role": "user", "content": frame}]
    rendered = tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True)
    check(rendered.replace("{text}", "\0").replace("{", "").replace("}", "").replace("\0", "{text}"), name)
    return rendered
