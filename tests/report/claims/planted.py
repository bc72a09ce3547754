"""Finished runs with planted ranks, in memory."""

import numpy as np

from jaxalign.report.claims.finished import Finished, Key

LANGUAGES = ("en", "fr", "fi", "th")


def finished(chances, queries=200, seed=0, models=("m-1b",), settings=("before", "after", "null"), **more):
    """`chances(model, setting, source, target, kind)` -> how likely a concept is found; kinds alternate.

    English and French words are the same for the first fifth of the concepts; all others differ.
    """
    rng = np.random.default_rng(seed)
    kinds = tuple(("abstract", "physical")[i % 2] for i in range(queries))
    words = {code: [f"{code * 3}{i:03}{code * 2}" for i in range(queries)] for code in LANGUAGES}
    words["fr"][: queries // 5] = words["en"][: queries // 5]
    made = Finished({}, {}, {}, kinds, words, {}, 0)
    for model in models:
        made.languages[model] = LANGUAGES
        for setting in settings:
            rank = np.zeros((4, 4, queries), np.int32)
            for i, source in enumerate(LANGUAGES):
                for j, target in enumerate(LANGUAGES):
                    if i != j:
                        likely = np.array([chances(model, setting, source, target, kind) for kind in kinds])
                        if "identical" in more and {source, target} == {"en", "fr"}:
                            likely[: queries // 5] = more["identical"]
                        rank[i, j] = np.where(rng.random(queries) < likely, 1, 7)
            made.ranks[Key(model, "vanilla", "last", 2, "csls", setting, 0 if setting == "before" else 50)] = rank
    return made
