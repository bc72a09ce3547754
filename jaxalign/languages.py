"""Codes and English names of languages: one rule for flags, headers of lists, wordnet tables and prompts.

The data is the IANA registry and CLDR, as the library langcodes gives it; it is imported when it is first needed.
"""

from functools import cache

# CLDR's names of these changed or are longer than the name that prompts use.
_NAMES = {"bn": "Bengali", "tl": "Tagalog", "nb": "Norwegian", "nn": "Norwegian"}
_ISO = {"fil": "tl"}  # CLDR writes Tagalog with the code of Filipino
_NOT_LANGUAGES = ("mis", "mul", "und", "zxx")  # codes for several, unknown or no languages


@cache
def canonical(text: str) -> str:
    """Returns the one code of a language: ISO 639-1 where it has one, otherwise ISO 639-3.

    Codes of either standard and English names, in any case, are known ("ENG", "cmn" and "Chinese" give "en", "zh" and
    "zh"); a member of a macrolanguage takes the macrolanguage's code, since lists and wordnets do not agree on which of
    the two they name. Regions and scripts stay ("pt_BR" gives "pt-BR"). Any other text is returned as it is.
    """
    import langcodes

    if not text.isascii() or not text.strip():
        return text
    try:
        if langcodes.tag_is_valid(text):
            code = langcodes.standardize_tag(text, macro=True)
        elif len(text) > 3 and text.replace(" ", "").isalpha():
            code = langcodes.standardize_tag(langcodes.find(text), macro=True)
        else:
            return text
    except (LookupError, ValueError):
        return text
    return text if code in _NOT_LANGUAGES else _ISO.get(code, code)


def is_language(text: str) -> bool:
    """Returns whether `text` is a code or the English name of a language."""
    import langcodes

    code = canonical(text)
    if not code or not code.isascii() or code in _NOT_LANGUAGES or code.startswith("x-"):  # x-: private codes
        return False
    return langcodes.tag_is_valid(code)


def english_name(text: str) -> str:
    """Returns the English name of a language, without its region or script ("pt-BR" gives "Portuguese").

    Raises:
        LookupError: `text` is no code of a language.
    """
    import langcodes

    if not is_language(text):
        raise LookupError(text)
    language = canonical(text).split("-")[0]
    return _NAMES.get(language) or langcodes.Language.get(language).display_name("en")


@cache
def script(text: str) -> str:
    """Returns the ISO 15924 code of the script that a language is most often written in: "Latn" for "fr"; else ""."""
    import langcodes

    if not is_language(text):
        return ""
    return langcodes.Language.get(canonical(text)).maximize().script or ""


@cache
def three_letters(text: str) -> str:
    """Returns the ISO 639-3 code of a language: "fra" for "fr"; "" for any other text."""
    import langcodes

    if not is_language(text):
        return ""
    try:
        return langcodes.Language.get(canonical(text)).to_alpha3()
    except LookupError:
        return ""
