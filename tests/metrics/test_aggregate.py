"""Rows made of other rows: several splits as one figure."""

import numpy as np
import pytest

from jaxalign.metrics import aggregate
from jaxalign.metrics.rows import Place, result_row


def test_several_splits_give_their_mean():
    place = Place("demo", setting="after", metric="P@1")
    one, two = result_row(place, 0.4, 10, 0.3, 0.5), result_row(place, 0.6, 10, 0.5, 0.7)
    (row,) = aggregate.over_splits([[one], [two]])
    spread = 1.959964 * np.std([0.4, 0.6], ddof=1)
    assert row["value"] == pytest.approx(0.5) and row["count"] == 20
    assert row["low"] == pytest.approx(0.5 - np.hypot(0.1, spread))
    change = result_row(place._replace(setting="after - before"), -0.4, 10, -0.5, -0.3)
    p_value = result_row(place._replace(metric="P@1_p"), 0.01, 10)
    rows = aggregate.over_splits([[change, p_value], [change, p_value | dict(value=0.9)]])
    assert rows[0]["low"] == pytest.approx(-0.5)  # a difference may be negative
    assert rows[1]["value"] == 0.01  # a p-value has no mean over splits
