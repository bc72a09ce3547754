"""Ranks -> figures: P@k, MRR, intervals, tests of differences, isometry; one flat row per figure."""
