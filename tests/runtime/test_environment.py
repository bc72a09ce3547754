"""The environment block of a run, and the memory used."""

import json

import jax

from jaxalign.runtime import environment


def test_environment_is_plain_json_and_names_the_device():
    found = json.loads(json.dumps(environment.environment()))
    assert found["platform"] == jax.devices()[0].platform
    assert found["device_count"] == len(jax.devices())
    assert found["versions"]["jax"] == jax.__version__


def test_peak_memory_is_measured():
    assert environment.peak_memory()["host_bytes"] > 1e6


def test_programs_can_be_made_for_another_platform():
    assert environment.backend() == jax.default_backend()
    with environment.made_for("tpu"):
        assert environment.backend() == "tpu"
    assert environment.backend() == jax.default_backend()
