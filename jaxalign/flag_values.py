"""One option of a run as a dataclass field, and the check of its value alone: type, choices, bounds, repeats."""

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import Field, field
from typing import Any

from jaxalign.types import InputError

INT32 = 2**31 - 1
POSITIVE = (1, INT32)
COUNT = (0, INT32)


def option(default: Any, meaning: str, *, choices: Sequence[str] = (), bounds=None, items: Callable = str) -> Any:
    """A field with its default, its help, the values or the bounds allowed, and how one item of a list is read."""
    meta = {"help": meaning, "choices": tuple(choices), "bounds": bounds, "items": items}
    return field(default=default, metadata=meta)


def check_value(option: Field, value: Any) -> None:
    """Raises InputError where one value is of another type, no choice, out of bounds, empty or repeated."""
    name, meta = option.name, option.metadata
    is_list = isinstance(option.default, tuple)
    if is_list != isinstance(value, tuple) or not is_list and not isinstance(value, (type(option.default), int)):
        raise InputError(f"Expected --{name} to be like {option.default!r}, got {value!r}.")
    items = value if is_list else (value,)
    text = "".join(item for item in items if isinstance(item, str))
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise InputError(f"Expected --{name} as UTF-8 without control characters, got {value!r}.")
    for item in items:
        if meta["choices"] and item not in meta["choices"]:
            raise InputError(f"Expected --{name} of {', '.join(meta['choices'])}, got {item!r}.")
        low, high = meta["bounds"] or (None, None)
        if low is not None and not low <= item <= high:
            bound = f"at most {high:,}" if item > high else f"at least {low}"
            raise InputError(f"Expected --{name} of {bound}, got {item}.")
        if is_list and item == "":
            raise InputError(f"Expected --{name} without empty items, got {','.join(map(str, value))!r}.")
    if is_list and option.default and not value:
        raise InputError(f"Expected --{name} with at least one item, got none.")
    if is_list and not name.endswith("normalize") and len(set(value)) != len(value):
        raise InputError(f"Expected --{name} without repeats, got {','.join(map(str, value))!r}.")
