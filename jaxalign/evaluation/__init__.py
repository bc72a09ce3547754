"""Every language pair in every setting (before, after, ceiling, null) in one pass.

Public face: `pairs.outcomes` and `pairs.ranks`.
"""
