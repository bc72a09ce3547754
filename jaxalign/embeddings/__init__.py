"""Texts -> vectors: prompts, tokens, packed batches, extraction on the devices, spaces kept on disk.

`embed.embed` gives the vectors of a list of texts; `cached_spaces.spaces` those of all languages of a set of concepts,
kept in the store. On the way: `kinds` (bare words or prompts), `tokenize`, `prefix_tree`, `row_layout` and `packing`
(the plan of a run), `batches` (its arrays), `extract` (the devices), `entries`, `chunks` and `vector_store` (the disk).
`word2vec_format` reads and writes spaces of other programs.
"""
