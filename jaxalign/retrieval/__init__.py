"""The rank of the right answer among all candidates: CSLS, nearest neighbour, inverted softmax.

Public face: `ranks.rank_both` for one pair of spaces; `vocabulary.ranks` for word translation between vocabularies.
"""
