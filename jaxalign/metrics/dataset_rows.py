"""Rows of what is counted, not scored: concepts, identical forms, how well samples are matched, sizes of models.

They have the columns of every other row; `model` is empty where no model is asked.
"""

from collections.abc import Mapping

import numpy as np

from jaxalign.concepts import covariates, subsets
from jaxalign.metrics.rows import Place, ResultRow, figure, result_row
from jaxalign.types import Concepts, Split


def concept_rows(concepts: Concepts, split: Split, domains: Mapping[str, np.ndarray]) -> list[ResultRow]:
    """Rows of the metric `concepts`: how many concepts there are of each sort.

    After each filter, in the seed dictionary, and of each kind and domain among all concepts (setting `concepts`) and
    the test concepts (setting `test`). `domains` as from `covariates.domains`.
    """
    rows, test = subsets.test_set(concepts, split)
    counts = [("filter", name, left) for name, left in concepts.filters]
    counts += [("seed", "all", len(split.seed))]
    for setting, some in (("concepts", concepts), ("test", test)):
        kinds = {kind: some.kinds.count(kind) for kind in sorted(set(some.kinds))}
        chosen = slice(None) if some is concepts else rows
        kinds |= {f"domain:{name}": int(mask[chosen].sum()) for name, mask in domains.items()}
        counts += [(setting, name, count) for name, count in {"all": len(some.ids), **kinds}.items()]
    return [
        _row(Place(setting=setting, subset=subset, metric="concepts"), count, count)
        for setting, subset, count in counts
    ]


def form_rows(concepts: Concepts) -> list[ResultRow]:
    """Rows of the setting `forms`: the share of concepts whose two words are one, for each pair and the mean of pairs.

    Metrics: identical, identical_folded (without case), identical_plain (nor diacritics), loans (by normalised edit
    distance, `subsets.LOAN`). Subsets: all, abstract, physical.
    """
    codes, made = list(concepts.words), []
    kinds = np.array(concepts.kinds)
    masks = {"all": np.ones(len(kinds), bool)} | {kind: kinds == kind for kind in ("abstract", "physical")}
    shares: dict[tuple[str, str], list[float]] = {}
    for i, one in enumerate(codes):
        for other in codes[i + 1 :]:
            forms = covariates.form_overlap(concepts.words[one], concepts.words[other])
            for metric, found in subsets.SAME_FORM.items():
                same = found(forms)
                for subset, mask in masks.items():
                    if mask.any():
                        share, count = float(same[mask].mean()), int(mask.sum())
                        shares.setdefault((metric, subset), []).append(share)
                        place = Place(setting="forms", subset=subset, metric=metric)
                        made += [_row(place._replace(source=s, target=t), share, count)
                                 for s, t in ((one, other), (other, one))]  # fmt: skip
    for (metric, subset), found_shares in shares.items():
        place = Place(setting="forms", subset=subset, metric=metric)
        made.append(_row(place, float(np.mean(found_shares)), int(masks[subset].sum())))
    return made


def balance_rows(
    model: str, concepts: Concepts, split: Split, measured: Mapping[str, np.ndarray], masks: Mapping[str, np.ndarray]
) -> list[ResultRow]:
    """Rows of the setting `balance`: standardised difference of each trait, abstract less physical, in each sample.

    The subset `abstract - physical` is the test set as it is, `abstract_matched_T - physical_matched_T` a matched
    sample; the difference of means is taken over sqrt((var_a + var_p) / 2) of that sample (Austin 2011).
    """
    rows, test = subsets.test_set(concepts, split)
    kinds = np.array(test.kinds)
    samples = {"": (kinds == "abstract", kinds == "physical")}
    for name, mask in masks.items():
        if name.startswith("abstract_matched"):
            way = name.removeprefix("abstract")
            samples[way] = mask, masks[f"physical{way}"]
    made = []
    for way, (abstract, physical) in samples.items():
        for trait, column in measured.items():
            a, b = column[rows][abstract], column[rows][physical]
            a, b = a[np.isfinite(a)], b[np.isfinite(b)]
            if len(a) and len(b):
                spread = np.sqrt((a.var() + b.var()) / 2)
                gap = 0.0 if a.mean() == b.mean() else float((a.mean() - b.mean()) / spread) if spread else np.inf
                if np.isfinite(gap):
                    subset = f"abstract{way} - physical{way}"
                    place = Place(model, setting="balance", subset=subset, metric=f"difference_{trait}")
                    made.append(_row(place, gap, len(a)))
    return made


def parameter_row(model: str, count: int) -> ResultRow:
    """The row of the metric `parameters`: how many numbers the part of the model that was loaded holds."""
    return _row(Place(model, setting="model", metric="parameters"), count, 1)


def _row(place: Place, value: float, count: int) -> ResultRow:
    return result_row(place, figure(value) if isinstance(value, float) else int(value), int(count))
