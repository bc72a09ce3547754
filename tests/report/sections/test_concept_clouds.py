"""The section draws one pair for each model and says what it is made of."""

from jaxalign.report.sections.concept_clouds import concept_clouds

SPOTS = [[0, 0], [10, 10]]
RECORD = dict(
    label=dict(model="lab/thing", embedding="vanilla", pooling="last", layer=3), hub="en", ids=["a", "b"], words={},
    pairs={"eu": dict(before=SPOTS, after=SPOTS, hub=SPOTS), "fr": dict(before=SPOTS, after=SPOTS, hub=SPOTS)},
    seeds=1000, test=2345,
)  # fmt: skip


def test_the_first_pair_of_each_model_is_drawn():
    section = concept_clouds([RECORD, RECORD | {"hub": "ja"}])
    captions = [picture.caption for picture in section.pictures]
    assert captions[0] == (
        "thing, bare word, layer 3: Basque (eu) and English (en); 2 of 2,345 test concepts, "
        "map fitted on 1,000 seed concepts."
    )
    assert "Japanese (ja)" in captions[1] and len({picture.name for picture in section.pictures}) == 2


def test_without_records_there_is_no_section():
    assert concept_clouds([]) is None
