"""Matplotlib's SVG in fewer bytes: the same drawing without comments, unused ids and digits that nobody sees."""

import re

_DIGITS = 2  # decimals of a coordinate; the unit is 1/72 inch
_COMMAND = re.compile(r"([MLQCZz])([^MLQCZz]*)")
_NUMBER = re.compile(r"-?\d*\.\d+")


def smaller(svg: str) -> str:
    """The same picture with coordinates of two decimals: a third to a half of the bytes."""
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    # A rule for every element would win over a group's style, and hold on the whole page: the root hands it down.
    if rule := re.search(r"<style[^>]*>\s*\*\{([^}]*)\}\s*</style>", svg):
        svg = svg.replace(rule[0], "").replace("<svg ", f'<svg style="{rule[1]}" ', 1)
    svg = re.sub(r'\bd="([^"]*)"', lambda match: f'd="{_path(match[1])}"', svg)
    svg = re.sub(
        r'((?<![\w-])(?:x|y|width|height|transform)=")([^"]*)"', lambda match: f'{match[1]}{_shortened(match[2])}"', svg
    )
    # A letter within a word: its place as an attribute of its own.
    svg = re.sub(r'(<use [^>]*?) transform="translate\((\S+) 0\)"', r'\1 x="\2"', svg)
    svg = re.sub(r"<defs></defs>", "", re.sub(r">\s+<", "><", svg))
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda match: match[0] if match[1] in used else "", svg)
    names = {name: f"{number:x}" for number, name in enumerate(sorted(used))}
    svg = re.sub(r'((?:href="|url\()#| id=")([^")]+)', lambda match: match[1] + names.get(match[2], match[2]), svg)
    svg = _without_plain_groups(re.sub(r"([:;]) ", r"\1", svg))
    for attribute in ("style", "clip-path"):
        svg = _shared(svg, attribute)
    return svg


def _path(data: str) -> str:
    """A path of absolute commands, straight lines as H and V where they are level or upright."""
    made, place = [], ("", "")
    for command, numbers in _COMMAND.findall(data):
        values = [_rounded(number) for number in numbers.split()]
        if command == "L" and values[1] == place[1]:
            made.append("" if values[0] == place[0] else f"H{values[0]}")
        elif command == "L" and values[0] == place[0]:
            made.append(f"V{values[1]}")
        else:
            made.append(command + " ".join(values))
        place = (values[-2], values[-1]) if values else ("", "")
    return "".join(made)


def _shortened(text: str) -> str:
    """Numbers of an attribute rounded; a scale keeps its digits, since it multiplies."""
    parts = re.split(r"(scale\([^)]*\))", text)
    return "".join(
        part if part.startswith("scale") else _NUMBER.sub(lambda match: _rounded(match[0]), part) for part in parts
    )


def _rounded(number: str) -> str:
    text = f"{float(number):.{_DIGITS}f}".rstrip("0").rstrip(".")
    text = "0" if text in ("-0", "") else text
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def _without_plain_groups(svg: str) -> str:
    """Groups without attributes change nothing; their content stays."""
    kept: list[str] = []
    opened: list[bool] = []
    for part in re.split(r"(</?g\b[^>]*>)", svg):
        if part.startswith("</g"):
            part = part if opened.pop() else ""
        elif part.startswith("<g") and not part.endswith("/>"):
            opened.append("=" in part)
            part = part if opened[-1] else ""
        elif part.startswith("<g"):
            part = ""
        kept.append(part)
    return "".join(kept)


def _shared(svg: str, attribute: str) -> str:
    """Neighbours with the same value of an attribute get it from one group around them."""
    written = re.compile(rf' {attribute}="([^"]*)"')
    made: list[str] = []
    run: list[str] = []
    value: str | None = None

    def end() -> None:
        if value is not None and len(run) > 1:
            inner = "".join(written.sub("", element, count=1) for element in run)
            made.append(f'<g {attribute}="{value}">{inner}</g>')
        else:
            made.extend(run)
        run.clear()

    for part in re.split(r"(<(?:path|use) [^>]*/>)", svg):
        match = written.search(part) if part.startswith(("<path", "<use")) else None
        if part and (match is None or match[1] != value):
            end()
            value = match[1] if match else None
        if part:
            run.append(part)
    end()
    return "".join(made)
