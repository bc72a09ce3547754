"""Checkpoints of one training: the step is read from the name, and every layer has a curve with its null."""

import pytest

from jaxalign.report.results import Results, last_layers
from jaxalign.report.sections import model_size, results_sections, training
from tests.report.rows import row


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EleutherAI/pythia-160m@step1000", ("EleutherAI/pythia-160m", "step", 1000)),
        ("allenai/OLMo-1B@step20000-tokens84B", ("allenai/OLMo-1B", "step", 20_000)),
        ("allenai/OLMo-2@stage2-step150-tokens1B", ("allenai/OLMo-2@stage2", "step", 150)),
        ("bigscience/bloom@global_step1000", ("bigscience/bloom", "step", 1000)),
        ("LLM360/Amber@ckpt_100", ("LLM360/Amber", "step", 100)),
        ("lab/tiny@iter-20k", ("lab/tiny", "step", 20_000)),
        ("lab/tiny@tokens1.5T", ("lab/tiny", "tokens", 1.5e12)),
        ("lab/tiny@100B-tokens", ("lab/tiny", "tokens", 1e11)),
        ("runs/demo/step0", ("runs/demo", "step", 0)),
        ("runs/demo/checkpoint-500/", ("runs/demo", "step", 500)),
    ],
)
def test_step_and_training_of_a_name(name, expected):
    assert training.moment(name) == expected


@pytest.mark.parametrize("name", ["demo", "org/name", "org/name@main", "org/stepwise-7b", "org/step2go", "a/pythia@v1"])
def test_a_name_without_a_step(name):
    assert training.moment(name) is None


def checkpoints(steps=(0, 10, 100), layers=(0, 1)):
    """Rows of three settings and two nulls: `after` is step / 200 + layer / 10, any null .01."""
    rows = []
    for step in reversed(steps):
        for layer in layers:
            place = dict(model=f"lab/tiny@step{step}", layer=layer)
            values = {
                "before": 0.2,
                "after": step / 200 + layer / 10,
                "ceiling": 0.9,
                "null": 0.01,
                "ceiling_null": 0.3,
            }
            rows += [row(value, setting=setting, **place) for setting, value in values.items()]
    return rows


def test_every_layer_has_its_curve_and_its_null():
    results = Results(checkpoints())
    section = training.training(results, last_layers(results))
    (picture,) = section.pictures
    assert picture.name == "training"
    assert "fitted map: last layer from 10.0 to 60.0, highest 60.0 at layer 1" in picture.alt
    assert "leaky ceiling: last layer from 90.0 to 90.0" in picture.alt
    body = section.folded[0].body
    assert len(body) == 3 * 2 * 5
    steps = [line[1] for line in body]
    assert steps == sorted(steps) and set(steps) == {0, 10, 100}
    after = {(line[1], line[2]): float(line[4]) for line in body if line[3] == "fitted map"}
    assert after == {(0, 0): 0, (0, 1): 10, (10, 0): 5, (10, 1): 15, (100, 0): 50, (100, 1): 60}
    assert "training" in [made.key for made in results_sections(results)]


def test_two_checkpoints_are_no_curve_and_other_models_none():
    for rows in (checkpoints(steps=(0, 10)), [row(0.2), row(0.3, model="lab/other")]):
        results = Results(rows)
        assert training.training(results, last_layers(results)) is None
        assert "training" not in [made.key for made in results_sections(results)]


def test_the_figure_of_sizes_has_the_last_checkpoint_only():
    names = ["lab/tiny-1b@step5", "lab/tiny-1b@step20", "lab/other-2b", "runs/step3", "lab/tiny-1b@tokens9B"]
    assert training.earlier(names) == {"lab/tiny-1b@step5"}
    rows = [row(0.2, model=name) for name in names[:3]]
    results = Results(rows)
    (picture,) = model_size.sizes(results, last_layers(results)).pictures
    assert "tiny-1b@step20 (1)" in picture.alt and "other-2b (2)" in picture.alt and "step5" not in picture.alt
    results = Results(rows[:2])
    section = model_size.sizes(results, last_layers(results))
    assert not section.pictures and len(section.tables[0].body) == 2
