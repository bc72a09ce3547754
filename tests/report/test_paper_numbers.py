"""The numbers of the paper are complete and stand beside the right figures of a run."""

from jaxalign.report import paper_numbers
from jaxalign.report.results import Results


def test_the_papers_numbers_are_carried_whole_and_joined():
    facts = paper_numbers.paper_facts()
    assert len(facts) == 1440 and {fact["model"] for fact in facts} == set(paper_numbers.PAPER_MODELS.values())
    assert paper_numbers.paper_model("meta-llama/Llama-2-13b-chat-hf") == "Llama2-13B"
    assert paper_numbers.paper_model("CohereForAI/aya-101") == "Aya101" and paper_numbers.paper_model("demo") is None
    base = dict(model="bigscience/bloomz-3b", embedding="vanilla", pooling="last", layer=30, retrieval="csls")
    base |= dict(csls_k=10, candidates="all", completion="drop", source="fr", target="en", metric="P@1", count=9)
    rows = [base | dict(setting="before", seed_size=0, subset="all", value=0.5),
            base | dict(setting="after", seed_size=2000, subset="abstract", value=0.25),
            base | dict(setting="after", seed_size=2000, subset="all", metric="P@5", value=0.25)]  # fmt: skip
    body = paper_numbers.against_paper(Results(rows)).body
    (fact,) = [f for f in facts if (f["model"], f["embedding"], f["lang"], f["k"], f["seed"]) ==
               ("BLOOMZ-3B", "last-token", "fr", 1, 2000)]  # fmt: skip
    found = {(line[4], line[5]): line[-3:] for line in body}
    assert found["before", "all"] == (50.0, fact["before"], round(50 - fact["before"], 2))
    assert found["after", "abstract"] == (25.0, fact["after_abstract"], round(25 - fact["after_abstract"], 2))
    assert len(body) == 2
    near = [row | dict(seed_size=1600) if row["setting"] == "after" else row for row in rows]
    (line,) = [line for line in paper_numbers.against_paper(Results(near)).body if line[4] == "after"]
    assert line[6:8] == (1600, 2000)
