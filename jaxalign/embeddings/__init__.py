"""Texts -> vectors: prompts, tokens, packed batches, extraction on the devices, spaces kept on disk.

Public face: `embed.embed` for a list of texts; `cached_spaces.spaces` for every language of a set of concepts.
"""
