"""Every language pair in every setting (before, after, ceiling, null) in one pass.

Public face: `pairs.rank` for Python, `pairs.evaluate` for a run.
"""
