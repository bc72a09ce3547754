"""A claim about all models, asked again of each model and of each embedding."""

from collections.abc import Sequence
from dataclasses import replace

from jaxalign.report.claims.claim_file import Claim
from jaxalign.report.claims.finished import Finished


def vary(claims: Sequence[Claim], finished: Finished) -> list[Claim]:
    """Returns the claims on one model and one embedding each, in the order of the claims.

    A claim varies over the models where both sides have models = "all" and the runs have several, over the embeddings
    where both sides have the same one and the runs have several. A claim that varies over neither is left out.
    """
    ran = list(dict.fromkeys((key.model, key.embedding) for key in finished.ranks))
    embeddings = list(dict.fromkeys(embedding for _, embedding in ran))
    made: list[Claim] = []
    for claim in claims:
        left, right = claim.left, claim.right
        by_model = left.models == right.models == ("all",) and len(finished.models) > 1
        by_embedding = left.embedding == right.embedding and len(embeddings) > 1
        if by_model and by_embedding:
            made += [_varied(claim, model, embedding) for model, embedding in ran]
        elif by_model:
            made += [_varied(claim, model, "") for model in finished.models]
        elif by_embedding:
            made += [_varied(claim, "", embedding) for embedding in embeddings]
    return made


def _varied(claim: Claim, model: str, embedding: str) -> Claim:
    left, right = (
        replace(side, models=(model,) if model else side.models, embedding=embedding or side.embedding)
        for side in (claim.left, claim.right)
    )
    return replace(claim, name=", ".join(filter(None, (claim.name, model, embedding))), left=left, right=right)
