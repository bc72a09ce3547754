"""One option alone: its field and the check of its value."""

from dataclasses import dataclass, fields

import pytest

from jaxalign.flag_values import COUNT, check_value, option
from jaxalign.types import InputError


@dataclass
class _Two:
    number: int = option(3, "a number", bounds=COUNT)
    names: tuple[str, ...] = option(("a",), "some names", choices=("a", "b"))


def test_values_of_the_right_kind_pass():
    for field, value in zip(fields(_Two), (0, ("b", "a")), strict=True):
        check_value(field, value)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (0, -1, "--number of at least 0, got -1"),
        (0, "3", "--number to be like 3"),
        (1, ("c",), "--names of a, b, got 'c'"),
        (1, (), "--names with at least one item"),
        (1, ("a", "a"), "--names without repeats"),
        (1, "a", "--names to be like"),
    ],
)
def test_other_values_are_refused_by_name(place, value, said):
    with pytest.raises(InputError, match=said):
        check_value(fields(_Two)[place], value)
