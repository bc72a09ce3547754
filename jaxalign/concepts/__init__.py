"""Which concepts are compared: WordNet, the built-in lexicon or a list, their words, covariates, subsets and split.

Public face: `dataset.load` gives `Concepts`; `splitting.split` gives the seed dictionary and the test set.
"""
