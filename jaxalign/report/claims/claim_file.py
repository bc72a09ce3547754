"""The file of claims: TOML, one table [[claim]] per claim, checked before anything is computed.

    [[claim]]
    name = "abstract"
    text = "Abstract concepts align better than physical ones."
    margin = 0.0                 # left less right must surely be above it
    setting = "after"            # any key of a side may stand here for both
    left.subset = "abstract"
    right.subset = "physical_down"

Keys of a side: models (names, or "all", "largest", "smallest": of each family with several sizes), embedding, layer
("last" or a number), retrieval, setting, less (a setting that is taken off: the gain of a map is setting = "after",
less = "before"), pairs ("all", "fr-en", "*-en", ...), subset (all, abstract, physical, physical_down), metric.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from jaxalign.languages import is_language
from jaxalign.types import InputError

SHIPPED = {"paper": Path(__file__).parents[2] / "data" / "paper_claims.toml"}
SETTINGS = ("before", "after", "gpa", "ceiling", "null", "ceiling_null", "shrunken", "shrunken_null")
SUBSETS = ("all", "abstract", "physical", "physical_down")
CHOICES = {
    "retrieval": ("csls", "nn", "isf", "margin"),
    "setting": SETTINGS,
    "less": ("", *SETTINGS),
    "subset": SUBSETS,
}
_OWN = ("name", "text", "source", "margin", "left", "right")  # keys of a claim, not of a side


@dataclass(frozen=True)
class SideSpec:
    """What is averaged on one side of a claim."""

    models: tuple[str, ...] = ("all",)
    embedding: str = "vanilla"  # or "prompt", "prompt:NAME", "context", "vec"
    layer: str = "last"
    retrieval: str = "csls"
    setting: str = "after"
    less: str = ""
    pairs: tuple[str, ...] = ("all",)
    subset: str = "all"
    metric: str = "P@1"


@dataclass(frozen=True)
class Claim:
    """Left less right is above the margin."""

    name: str
    text: str
    source: str
    margin: float
    left: SideSpec
    right: SideSpec


_KEYS = tuple(field.name for field in fields(SideSpec))


def read(source: str | Path) -> list[Claim]:
    """Returns the claims of a file, or of the shipped file of that name ("paper"); InputError where one is wrong."""
    path = SHIPPED.get(str(source), Path(source))
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        known = ", ".join(SHIPPED)
        said = f"Expected a file of claims, or one of {known}, got {source}: {error.strerror}. Give its path."
        raise InputError(said) from error
    except ValueError as error:  # also of UnicodeDecodeError
        raise InputError(f"Expected TOML in {path}, got {error}. Fix the file.") from error
    tables = content.get("claim")
    if set(content) != {"claim"} or not isinstance(tables, list) or not tables:
        raise InputError(f"Expected tables [[claim]] and nothing else in {path}, got {_list(content)}. Fix the file.")
    claims = [_claim(table, f"{path}, claim {number}") for number, table in enumerate(tables, 1)]
    names = [claim.name for claim in claims]
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise InputError(f"Expected each name once in {path}, got {repeated!r} twice. Rename one.")
    return claims


def _claim(table: Any, where: str) -> Claim:
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str) or not table["name"]:
        raise InputError(f'Expected a name in {where}, got {_list(table)}. Add name = "...".')
    where = f"{where} ({table['name']})"
    if unknown := set(table) - {*_OWN, *_KEYS}:
        raise InputError(f"Expected keys of {', '.join((*_OWN, *_KEYS))} in {where}, got {_list(unknown)}. Fix them.")
    margin = table.get("margin", 0.0)
    if isinstance(margin, bool) or not isinstance(margin, (int, float)) or not -1 <= margin <= 1:
        raise InputError(f"Expected a margin from -1 to 1 (a fraction) in {where}, got {margin!r}. Change margin.")
    for key in ("text", "source"):
        if not isinstance(table.get(key, ""), str):
            raise InputError(f"Expected {key} as a string in {where}, got {table[key]!r}. Put it in quotes.")
    common = {key: value for key, value in table.items() if key in _KEYS}
    left, right = (_side(common, table.get(name, {}), f"{where}, {name}") for name in ("left", "right"))
    if left == right:
        raise InputError(f"Expected two different sides in {where}, got the same. Add left.KEY and right.KEY.")
    if left.metric != right.metric:
        raise InputError(f"Expected one metric in {where}, got two. Name it once, outside of left and right.")
    return Claim(table["name"], table.get("text", ""), table.get("source", ""), float(margin), left, right)


def _side(common: Mapping[str, Any], own: Any, where: str) -> SideSpec:
    if not isinstance(own, Mapping) or set(own) - set(_KEYS):
        raise InputError(f"Expected a table with keys of {', '.join(_KEYS)} in {where}, got {_list(own)}. Fix it.")
    values: dict[str, Any] = {}
    for key, value in (dict(common) | dict(own)).items():
        if key in ("models", "pairs"):
            items = [value] if isinstance(value, str) else value
            if not isinstance(items, list) or not items or not all(isinstance(item, str) and item for item in items):
                raise InputError(f"Expected {key} as a string or a list of them in {where}, got {value!r}. Fix it.")
            values[key] = tuple(items)
        elif key == "layer":
            if value != "last" and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
                raise InputError(f'Expected layer as "last" or a number from 0 in {where}, got {value!r}. Fix it.')
            values[key] = str(value)
        else:
            values[key] = _text(key, value, where)
    side = SideSpec(**values)
    for pair in side.pairs:
        _check_pair(pair, where)
    if side.setting == side.less:
        raise InputError(f"Expected two settings in {where}, got setting and less both {side.less}. Drop less.")
    return side


def _text(key: str, value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"Expected {key} as a string in {where}, got {value!r}. Put it in quotes.")
    if key in CHOICES and value not in CHOICES[key]:
        raise InputError(
            f"Expected {key} of {', '.join(filter(None, CHOICES[key]))} in {where}, got {value!r}. Fix it."
        )
    if key == "metric" and not re.fullmatch(r"MRR|P@[1-9][0-9]*", value):
        raise InputError(f"Expected metric as MRR or P@k in {where}, got {value!r}. Fix it.")
    if key == "embedding" and not re.fullmatch(r"vanilla|vec|(prompt|context)(:.+)?", value):
        raise InputError(
            f"Expected embedding of vanilla, prompt, prompt:NAME, context, vec in {where}, got {value!r}. Fix it."
        )
    return value


def _check_pair(pair: str, where: str) -> None:
    ends = [end.strip() for end in pair.split("-", 1)]
    if pair != "all" and not (len(ends) == 2 and all(end == "*" or is_language(end) for end in ends)):
        raise InputError(f'Expected pairs such as "all", "fr-en" or "*-en" in {where}, got {pair!r}. Fix it.')


def _list(value: Any) -> str:
    return ", ".join(sorted(map(str, value)))[:200] or "none" if isinstance(value, (Mapping, set)) else repr(value)[:80]
