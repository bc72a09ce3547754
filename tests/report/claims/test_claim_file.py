"""Files of claims: the shipped one, and what is refused."""

import pytest

from jaxalign.report.claims import claim_file
from jaxalign.types import InputError

GOOD = '[[claim]]\nname = "a"\npairs = "*-en"\nleft.subset = "abstract"\nright.subset = "physical"\n'


def test_the_shipped_claims():
    claims = claim_file.read("paper")
    assert len(claims) == 5 and all(claim.text and claim.source and claim.margin == 0 for claim in claims)
    (larger, *_, linear) = claims
    assert larger.left.models == ("largest",) and (linear.left.setting, linear.left.less) == ("after", "before")


def test_a_key_of_the_claim_is_one_of_both_sides(tmp_path):
    (tmp_path / "c.toml").write_text(GOOD.replace("pairs", "margin = 0.02\npairs"))
    (claim,) = claim_file.read(tmp_path / "c.toml")
    assert claim.left.pairs == claim.right.pairs == ("*-en",) and claim.left.subset == "abstract"
    assert claim.margin == 0.02 and claim.left.setting == "after" and claim.left.metric == "P@1"


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "tables"),
        ("claim = 3", "tables"),
        ("[[claim]", "TOML"),
        ("[[claim]]\ntext = 'x'", "a name"),
        (GOOD + "[[claim]]\nname = 'a'\nleft.subset = 'all'\nright.subset = 'abstract'", "each name once"),
        (GOOD.replace("pairs", "pears"), "Expected keys"),
        (GOOD.replace("*-en", "english"), "pairs"),
        (GOOD.replace("*-en", "xx-en1"), "pairs"),
        (GOOD.replace("physical", "abstract"), "two different sides"),
        (GOOD.replace("abstract", "concrete"), "subset of all"),
        (GOOD + "right.metric = 'MRR'", "one metric"),
        (GOOD + "left.metric = 'P@0'", "P@k"),
        (GOOD.replace("pairs", "margin = 2\npairs"), "margin"),
        (GOOD.replace("pairs", "margin = true\npairs"), "margin"),
        (GOOD.replace("pairs", "layer = -1\npairs"), "layer"),
        (GOOD.replace("pairs", "models = []\npairs"), "models"),
        (GOOD.replace("pairs", "setting = 'after'\nless = 'after'\npairs"), "less"),
        (GOOD.replace("pairs", "embedding = 'bare'\npairs"), "embedding"),
        (GOOD.replace("pairs", "text = 3\npairs"), "string"),
        (GOOD + "left.x = 1", "keys of models"),
    ],
)
def test_wrong_files_are_refused(tmp_path, text, said):
    (tmp_path / "c.toml").write_text(text)
    with pytest.raises(InputError, match="Expected") as error:
        claim_file.read(tmp_path / "c.toml")
    assert said in str(error.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match="paper"):
        claim_file.read(tmp_path / "none.toml")
    (tmp_path / "c.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="TOML"):
        claim_file.read(tmp_path / "c.toml")
