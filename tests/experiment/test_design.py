"""The star asks everything of its centres, less of what differs in one thing, little of what differs in two."""

from jaxalign.config import Config
from jaxalign.experiment.design import questions
from jaxalign.types import Space, SpaceLabel

SPACES = [
    Space(SpaceLabel("m", embedding, pooling, layer), (), {})
    for embedding in ("vanilla", "prompt:a", "prompt:b") for pooling in ("last", "mean") for layer in (0, 1, 2)
]  # fmt: skip


def asked(design):
    config = Config(design=design, retrieval=("csls", "nn"), settings=("before", "after", "ceiling", "null"))
    return {one.space.label[1:]: one.questions for one in questions(config, SPACES, (50, 100), 3)}


def test_the_full_design_asks_everything_of_every_space():
    made = asked("full")
    assert len(made) == len(SPACES)
    assert {(one.retrievals, one.splits, one.seed_sizes) for one in made.values()} == {(("csls", "nn"), 3, (50, 100))}


def test_the_star_asks_less_the_more_a_space_differs_from_its_centre():
    made = asked("star")
    for centre in (("vanilla", "last", 2), ("prompt:a", "last", 2)):
        assert made[centre].settings == ("before", "after", "ceiling", "null") and made[centre].controls
    for one_change in (("vanilla", "mean", 2), ("prompt:a", "last", 0), ("prompt:b", "last", 2)):
        few = made[one_change]
        assert few.settings == ("before", "after", "ceiling") and not few.controls and few.isometry
        assert (few.retrievals, few.splits, few.seed_sizes) == (("csls",), 1, (100,))
    assert made["vanilla", "mean", 0].settings == ("before", "after") and not made["vanilla", "mean", 0].isometry
    assert ("prompt:b", "mean", 2) not in made and ("prompt:b", "last", 1) not in made


def test_words_in_context_are_a_centre_beside_bare_words_and_the_first_template():
    labels = [
        SpaceLabel("m", embedding, "concept", 2) for embedding in ("vanilla", "prompt:a", "prompt:b", "context:c")
    ]
    config = Config(design="star", settings=("before", "after", "ceiling", "null"))
    made = questions(config, [Space(label, (), {}) for label in labels], (100,), 1)
    assert [one.questions.controls for one in made] == [True, True, False, True]
