"""Claims on single models and embeddings."""

from jaxalign.report.claims.claim_file import Claim, SideSpec
from jaxalign.report.claims.variants import vary
from tests.report.claims.planted import finished

MAP = Claim("map", "", "", 0.0, SideSpec(), SideSpec(setting="before"))
LARGER = Claim("larger", "", "", 0.0, SideSpec(models=("largest",)), SideSpec(models=("smallest",)))
PROMPT = Claim("prompt", "", "", 0.0, SideSpec(embedding="prompt"), SideSpec())


def test_each_model_and_each_embedding_that_it_was_run_with():
    runs = finished(lambda *_: 0.5, models=("a-1b", "a-7b"))
    assert [claim.name for claim in vary([MAP, LARGER, PROMPT], runs)] == [
        "map, a-1b", "map, a-7b", "prompt, a-1b", "prompt, a-7b",
    ]  # fmt: skip
    key = next(key for key in runs.ranks if key.model == "a-7b")
    runs.ranks[key._replace(embedding="prompt:paper")] = runs.ranks[key]
    made = {claim.name: claim for claim in vary([MAP, LARGER, PROMPT], runs)}
    assert list(made) == [
        "map, a-1b, vanilla", "map, a-7b, vanilla", "map, a-7b, prompt:paper",
        "larger, vanilla", "larger, prompt:paper", "prompt, a-1b", "prompt, a-7b",
    ]  # fmt: skip
    one = made["map, a-7b, prompt:paper"]
    assert one.left == SideSpec(models=("a-7b",), embedding="prompt:paper") and one.right.setting == "before"
    assert made["larger, prompt:paper"].right.models == ("smallest",)
    assert made["prompt, a-7b"].left.embedding == "prompt" and made["prompt, a-7b"].right.embedding == "vanilla"


def test_one_model_with_one_embedding_leaves_nothing_to_vary():
    assert vary([MAP, LARGER, PROMPT], finished(lambda *_: 0.5)) == []
