"""Colours of cells that hold percentages, with digits in black or white, whichever has more contrast."""

LIGHT, DARK = ("#ffffff", "#00525a"), ("#12171e", "#7fe0e6")  # colours of 0 and of 100 percent; 0 is the page's paper
STEPS = 20


def step(percent: float) -> int:
    """The colour's number for a percentage, from 0 to `STEPS`."""
    return round(min(max(percent, 0.0), 100.0) / 100 * STEPS)


def css() -> str:
    """Rules `.h0` to `.h20` for cells, light and dark."""
    light, dark = (
        "".join(f".h{number}{{background:{paint};color:{ink}}}" for number, (paint, ink) in enumerate(shades(ends)))
        for ends in (LIGHT, DARK)
    )
    return f"{light}\n@media screen and (prefers-color-scheme: dark){{{dark}}}"


def shades(ends: tuple[str, str]) -> list[tuple[str, str]]:
    """(background, ink) of each step between two colours."""
    low, high = (_channels(colour) for colour in ends)
    made = []
    for number in range(STEPS + 1):
        mixed = [round(start + (end - start) * number / STEPS) for start, end in zip(low, high, strict=True)]
        paint = "#" + "".join(f"{value:02x}" for value in mixed)
        black = contrast(paint, "#000000") >= contrast(paint, "#ffffff")
        made.append((paint, "#000000" if black else "#ffffff"))
    return made


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours (WCAG 2.2), from 1 to 21."""
    darker, lighter = sorted((_luminance(first), _luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    shares = [value / 255 for value in _channels(colour)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]
