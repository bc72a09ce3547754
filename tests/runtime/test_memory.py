"""An out-of-memory error names the stage and the flags that help there; other errors pass unchanged."""

import pytest

from jaxalign.runtime.memory import OutOfMemoryError, advice


@pytest.mark.parametrize("error", [MemoryError(), MemoryError("9 GiB"), RuntimeError("RESOURCE_EXHAUSTED: 9 GiB\nat")])
def test_the_stage_and_the_remedy_are_named_once(error):
    with pytest.raises(OutOfMemoryError) as caught, advice("outer", "lower --outer"), advice("inner", "lower --inner"):
        raise error
    said = str(caught.value)
    assert said.startswith("out of memory while inner") and said.endswith("To use less, lower --inner")
    assert "9 GiB" in said or not str(error)


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="^shape$"), advice("inner", "lower --inner"):
        raise RuntimeError("shape")
