"""Which concepts are compared: WordNet, the built-in lexicon or a TSV, their words, covariates, subsets and split.

Public face: `dataset.load` gives `Concepts`; `dataset.split` gives the seed dictionary and the test set.
"""
