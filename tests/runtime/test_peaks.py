"""Measured peaks of this machine's products and copies; the figures themselves are not judged."""

from jaxalign.runtime import peaks


def test_peaks_are_positive():
    assert peaks.peak_product(repeats=1) > 0
    assert peaks.copy_bandwidth(megabytes=4, repeats=1) > 0
