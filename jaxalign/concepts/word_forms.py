"""Clean words out of wordnet tables, and the language codes those tables go by."""

import html
import re
import unicodedata
from urllib.parse import unquote

# ISO 639-1 -> the ISO 639-3 code in the file names of the Open Multilingual Wordnet. "ar", "ms", "no", "sq", "zh" are
# macrolanguages and stand for the member that has a wordnet.
ISO_639_3 = {
    "ar": "arb", "bg": "bul", "ca": "cat", "da": "dan", "de": "deu", "el": "ell", "en": "eng", "es": "spa", "et": "est",
    "eu": "eus", "fa": "fas", "fi": "fin", "fr": "fra", "gl": "glg", "he": "heb", "hr": "hrv", "id": "ind", "is": "isl",
    "it": "ita", "ja": "jpn", "ko": "kor", "lt": "lit", "ms": "zsm", "mn": "mon", "nb": "nob", "nl": "nld", "nn": "nno",
    "no": "nob", "pl": "pol", "pt": "por", "ro": "ron", "sk": "slk", "sl": "slv", "sq": "als", "sv": "swe", "th": "tha",
    "zh": "cmn",
}  # fmt: skip

_INVISIBLE = dict.fromkeys([0x00AD, 0x200B, 0x2060, 0xFEFF])  # soft hyphen, zero-width space, word joiner, BOM
_CEDILLAS = str.maketrans("şţŞŢ", "șțȘȚ")
_ESCAPE = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


def clean(lemma: str, language: str = "") -> str:
    """The lemma as a reader would write it; may be empty.

    HTML entities (escaped once or twice) and percent escapes are resolved, what follows a `|` is cut (`|fr:` and the
    like link to other editions of an encyclopedia, `a|b` are alternatives), underscores become spaces, invisible
    characters go, white space is collapsed, the form is NFC. With `language` "ro" or "ron" s and t with cedilla get the
    comma below.
    """
    text = html.unescape(html.unescape(lemma))
    text = _ESCAPE.sub(_unescape, text).split("|", 1)[0]
    text = unicodedata.normalize("NFC", text.translate(_INVISIBLE).replace("_", " "))
    if language in ("ro", "ron"):
        text = text.translate(_CEDILLAS)
    text = "".join(" " if unicodedata.category(sign) == "Cc" else sign for sign in text)
    return " ".join(text.split())


def form(word: str) -> str:
    """The form by which two words count as the same: without case."""
    return unicodedata.normalize("NFC", word.casefold())


def table_code(language: str) -> str:
    """The code a wordnet table goes by: ISO 639-1 becomes 639-3, anything else stays."""
    return ISO_639_3.get(language, language)


def _unescape(found: re.Match[str]) -> str:
    try:
        return unquote(found.group(), errors="strict")
    except UnicodeDecodeError:
        return found.group()
