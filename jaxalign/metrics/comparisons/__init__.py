"""Comparisons made of ranks: models with each other, two sides of a claim, hits and what explains them."""
