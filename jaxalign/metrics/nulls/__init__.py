"""Nulls of what ranks alone do not tell: the best of several layers or series, and spaces of the same spectrum."""
