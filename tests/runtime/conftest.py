"""A bucket on this machine, and two mirrors of it."""

import pytest
import tensorstore

from jaxalign.runtime import bucket
from tests.runtime.gcs import Storage


@pytest.fixture(scope="module")
def storage():
    made = Storage("mine", "other")
    yield made
    made.close()


@pytest.fixture
def mirrors(tmp_path, monkeypatch):
    """Two machines' mirrors of one bucket, in memory."""
    far = tensorstore.KvStore.open("memory://").result()
    monkeypatch.setattr(bucket, "open_store", {"gs://mine/": far}.__getitem__)
    made = [tmp_path / name for name in ("one", "two")]
    for root in made:
        root.mkdir()
        (root / bucket.MARK).write_text("gs://mine/")
    return made
