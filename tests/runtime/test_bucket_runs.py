"""Names of runs in a bucket that several machines share."""

import pytest

from jaxalign.runtime import bucket, bucket_runs
from jaxalign.types import InputError


def test_runs_get_names_of_their_own(mirrors, caplog):
    caplog.set_level("INFO", logger="jaxalign")
    one, two = mirrors
    assert [bucket_runs.claim(root, "") for root in (one, two, one)] == ["run-0001", "run-0002", "run-0003"]
    assert bucket_runs.claim(one, "mine") == bucket_runs.claim(one, "mine") == "mine"  # stopped here and started again
    with pytest.raises(InputError, match="another machine"):
        bucket_runs.claim(two, "mine")
    bucket_runs.release(one, "mine")
    assert bucket_runs.claim(two, "mine") == "mine"
    (two / "mine").mkdir()
    (two / "mine" / "a.txt").write_text("a")  # ended, and killed before it was copied
    with pytest.raises(InputError, match="finished"):
        bucket_runs.claim(two, "mine")
    assert "copying" in caplog.text
    assert bucket.pull([one / "mine" / "a.txt"]) and (one / "mine" / "a.txt").read_text() == "a"
    with pytest.raises(InputError, match="finished"):
        bucket_runs.claim(one, "mine")
