"""The record of all flags: checked when it is made, never changed afterwards."""

import dataclasses

import pytest

from jaxalign.config import Config
from jaxalign.types import InputError


def test_the_defaults_are_valid_and_every_flag_has_a_help():
    config = Config()
    assert config == Config(csls_k=config.csls_k)
    for option in dataclasses.fields(Config):
        assert option.metadata["help"] and not option.metadata["help"].endswith(".")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.csls_k = 3


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (dict(k=5), "--k to be like"),
        (dict(csls_k=(5,)), "--csls_k to be like"),
        (dict(csls_k="5"), "--csls_k to be like"),
        (dict(csls_k=0), "--csls_k"),
        (dict(repeats=10_001), "--repeats"),
        (dict(retrieval=("csls", "best")), "--retrieval of .*got 'best'"),
        (dict(retrieval=()), "--retrieval"),
        (dict(retrieval=("csls", "csls")), "--retrieval"),
        (dict(workdir="a\0b"), "--workdir as UTF-8"),
    ],
)
def test_wrong_values_are_named_by_their_flag(given, said):
    with pytest.raises(InputError, match=said):
        Config(**given)
