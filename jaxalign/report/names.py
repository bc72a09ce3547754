"""Plain names and numbers for readers; the short names stay in the rows."""

from jaxalign import languages

SETTING_NAMES = {
    "before": "no map", "after": "fitted map", "gpa": "one shared space", "ceiling": "leaky ceiling",
    "shrunken": "shrunken map", "shrunken_null": "shrunken map, shuffled",
    "refined": "refined map", "refined_null": "refined map, shuffled",
    "identical": "map of identical words", "identical_null": "map of identical words, shuffled",
    "null": "shuffled dictionary", "ceiling_null": "leaky ceiling, shuffled", "chance": "chance",
}  # fmt: skip
RETRIEVAL_NAMES = {
    "csls": "CSLS",
    "nn": "nearest neighbour",
    "isf": "inverted softmax",
    "inverted_softmax": "inverted softmax",
    "margin": "ratio margin",
}


def setting_name(setting: str) -> str:
    """`fitted map` for `after`; differences and unknown settings by their parts or as they are."""
    return " - ".join(SETTING_NAMES.get(part, part) for part in setting.split(" - "))


def language_name(code: str) -> str:
    """`Basque` for `eu`; a code without a known name as it is."""
    try:
        return languages.english_name(code)
    except LookupError:
        return code


def language_label(code: str) -> str:
    """`Basque (eu)`; a code without a known name as it is."""
    name = language_name(code)
    return code if name == code else f"{name} ({code})"


def embedding_name(embedding: str) -> str:
    """`bare word` for `vanilla`, `prompt "short"` for `prompt:short`, `context "carrier"` for `context:carrier`."""
    kind, _, template = embedding.partition(":")
    if kind in ("prompt", "context"):
        return f'{kind} "{template}"' if template else kind
    return {"vanilla": "bare word", "vec": "given vectors"}.get(embedding, embedding)


def share(row: dict) -> str:
    """`15.5 % (14.4-16.6)`: a fraction in percent with its interval, with as many digits as the interval supports."""
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or low == high:
        return f"{short_percent(row['value'])} %"
    count = digits(high - low)
    return f"{100 * row['value']:.{count}f} % ({100 * low:.{count}f}-{100 * high:.{count}f})"


def points(row: dict) -> str:
    """`3.6 points (2.1 to 5.0)`: a difference with its interval, its sign left out where the words tell it."""
    low, high = row.get("low"), row.get("high")
    if low is None or high is None or low == high:
        return f"{100 * row['value']:.1f} points"
    count = digits(high - low)
    return f"{100 * row['value']:.{count}f} points ({100 * low:.{count}f} to {100 * high:.{count}f})"


def short_percent(fraction: float) -> str:
    """A fraction in percent to one decimal, below 1 to two, below 0.01 to two significant digits: `44.5`, `0.08`."""
    value = 100 * fraction
    if value >= 1 or value == 0:
        return f"{value:.1f}"
    return f"{round(value, 2):g}" if value >= 0.01 else f"{value:.2g}"


def p_value(p: float, floor: float = 0.001) -> str:
    """`p = .012`, and `p <= .001` at the smallest value that the number of draws can give."""
    return f"p <= {floor:.3f}".replace("0.", ".") if p <= floor + 1e-9 else f"p = {p:.3f}".replace("0.", ".")


def digits(width: float) -> int:
    """Decimals of a percentage whose interval has this width (as a fraction)."""
    return 0 if width >= 0.2 else 1 if width >= 0.005 else 2
