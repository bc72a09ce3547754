"""Clean words from the lemmas of wordnet tables, and the form by which two words count as the same."""

import html
import re
import unicodedata
from urllib.parse import unquote

from jaxalign import languages

_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x2060, 0xFEFF])  # soft hyphen, zero-width space, word joiner, BOM
_CEDILLAS = str.maketrans("şţŞŢ", "șțȘȚ")
_PERCENT_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def clean(lemma: str, language: str = "") -> str:
    """Returns the lemma as it is written in a text; may be empty.

    HTML entities (escaped once or twice) and percent escapes are resolved, what follows a `|` is cut (`|fr:` and the
    like link to other editions of an encyclopedia, `a|b` are alternatives), underscores become spaces, invisible
    characters are removed, white space is collapsed, the form is NFC. In Romanian, s and t with cedilla get the comma
    below.
    """
    text = html.unescape(html.unescape(lemma))
    text = _PERCENT_ESCAPE.sub(_unescape, text).split("|", 1)[0]
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE).replace("_", " "))
    if languages.canonical(language) == "ro":
        text = text.translate(_CEDILLAS)
    text = "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)
    return " ".join(text.split())


def ignoring_case(word: str, language: str = "") -> str:
    """Returns the form by which two words count as the same."""
    return unicodedata.normalize("NFC", word.casefold())


def _unescape(escape: re.Match[str]) -> str:
    try:
        return unquote(escape.group(), errors="strict")
    except UnicodeDecodeError:
        return escape.group()
