"""A tiny random model that several files embed with."""

import pytest

from jaxalign import models
from tests import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return models.load_model(tiny.write_model(tmp_path_factory.mktemp("tiny")), weights="random", seed=3)
