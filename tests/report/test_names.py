"""Plain names and numbers of the page."""

import pytest

from jaxalign.evaluation.options import SETTINGS
from jaxalign.report import names


def test_every_setting_has_a_plain_name():
    assert all(names.setting_name(setting) != setting for setting in SETTINGS)
    assert names.setting_name("after - before") == "fitted map - no map" and names.setting_name("new") == "new"


def test_languages_and_embeddings():
    assert names.language_label("eu") == "Basque (eu)" and names.language_label("q7x") == "q7x"
    assert names.embedding_name("prompt:short") == 'prompt "short"' and names.embedding_name("vanilla") == "bare word"


@pytest.mark.parametrize("value, low, high, text", [
    (0.1548, 0.1437, 0.1661, "15.5 % (14.4-16.6)"), (0.5, 0.2, 0.8, "50 % (20-80)"), (0.25, 0.25, 0.25, "25.0 %"),
])  # fmt: skip
def test_a_share_has_as_many_digits_as_its_interval_supports(value, low, high, text):
    assert names.share({"value": value, "low": low, "high": high}) == text


def test_points_p_values_and_small_shares():
    assert names.points({"value": 0.036, "low": 0.021, "high": 0.05}) == "3.6 points (2.1 to 5.0)"
    assert (names.p_value(0.012), names.p_value(0.0005)) == ("p = .012", "p <= .001")
    assert [names.short_percent(share) for share in (0.4454, 0.002, 0.00042, 0.0)] == ["44.5", "0.2", "0.04", "0.0"]
