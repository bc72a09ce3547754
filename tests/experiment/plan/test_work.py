"""Texts, tokens and rankings of a run, from config.json and a tokenizer alone: against counts by hand."""

import json
from importlib import resources

import pytest

from jaxalign.config import Config
from jaxalign.experiment.plan import choose, work
from jaxalign.models import read_config
from jaxalign.types import InputError
from tests.tiny import MT5, write_model

# Parameters as published, of the model without a head or pooler.
FAMILIES = {
    "llama-3.2-1b": 1_235_814_400,
    "qwen2.5-0.5b": 494_032_768,
    "bloomz-560m": 559_214_592,
    "xlm-r-base": 278_043_648 - 768 * 768 - 768,
}
WORDS = {"en": ("dog", "dogs", "cat", "cats", "do", "a"), "fr": ("dog", "chien", "chat", "chats", "ou", "un")}


@pytest.fixture
def place(tmp_path):
    """A folder with a list of six concepts in two languages."""
    lines = ["id\tkind\t" + "\t".join(WORDS)]
    lines += [f"c{row}\tother\t" + "\t".join(column[row] for column in WORDS.values()) for row in range(6)]
    (tmp_path / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def config_of(place, **changed):
    given = {
        "concepts": str(place / "list.tsv"), "embeddings": ("vanilla",), "settings": ("before", "after", "ceiling"),
        "retrieval": ("csls",), "csls_k": 2, "workdir": str(place), "layers": "last", "dtype": "float32",
    }  # fmt: skip
    return Config(**(given | changed))


def test_tokens_of_an_encoder_by_hand(place):
    """The tokenizer gives <s> and one token per byte; nothing is shared, but "dog" is asked for twice."""
    folder = str(write_model(place / "model", MT5))
    made = work.of_model(folder, config_of(place))
    lengths = [1 + len(word) for column in WORDS.values() for word in column]
    assert (made.texts, made.tokens_given, made.tokens_computed) == (12, sum(lengths), sum(lengths) - 4)
    assert (made.concepts, made.languages, made.candidates, made.estimates) == (6, 2, 6, ())
    assert made.disk_bytes == 11 * 32 * 4  # eleven distinct texts, one layer of 32 float32 features


def test_tokens_of_a_decoder_by_hand(place):
    """Every distinct beginning is computed once: the nodes of the prefix tree."""
    folder = str(write_model(place / "model"))
    made = work.of_model(folder, config_of(place, layers="all"))
    nodes = {word[:length] for column in WORDS.values() for word in column for length in range(len(word) + 1)}
    assert made.tokens_computed == len(nodes)
    assert made.disk_bytes == 11 * 4 * 32 * 4  # layers 0 to 3


def test_rankings_by_hand(place):
    folder = str(write_model(place / "model"))
    config = config_of(place, embeddings=("vanilla", "prompt"), seed_size=4, seed_sizes=(2, 0), settings=(
        "before", "after", "ceiling", "null", "ceiling_null"), null_draws=2)  # fmt: skip
    made = work.of_model(folder, config)
    # For each embedding: before; after and two nulls for 2 and for 4 seeds; ceiling and two nulls on 4 + 2 rows.
    assert made.fitted == {0: 2, 2: 2 * 3, 4: 2 * 3, 6: 2 * 3}
    assert made.options.seed_sizes == (2, 4)
    assert [part.name for part in made.embeddings] == ["vanilla", "prompt:paper"]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_folder_with_config_json_and_a_tokenizer_is_enough(place, name):
    raw = json.loads(resources.files("jaxalign").joinpath("data/shapes.json").read_text("utf-8"))[name]
    folder = write_model(place / "model", raw)
    assert not list(folder.glob("*.safetensors"))
    made = work.of_model(str(folder), config_of(place))
    assert choose.weight_bytes(made.config, 1) == 4 * FAMILIES[name]


def test_without_a_tokenizer_the_counts_are_called_estimates(place):
    folder = write_model(place / "model")
    for path in folder.glob("*token*"):
        path.unlink()
    (note,) = work.of_model(str(folder), config_of(place)).estimates
    assert "counted with the demo model's tokenizer" in note


def test_without_wordnet_the_papers_counts_are_taken(place, monkeypatch, tmp_path):
    monkeypatch.setenv("NLTK_DATA", str(tmp_path / "none"))
    config = config_of(place, concepts="wordnet", languages=("en", "fr"), seed_size=0)
    made = work.of_model(str(write_model(place / "model", MT5)), config)
    assert (made.concepts, made.fitted) == (4397, {0: 1, 3000: 1, 4397: 1})
    assert "WordNet is not on this machine" in made.estimates[0]
    assert 4397 * 2 * 0.99 < made.texts < 4397 * 2 * 1.01
    plan = made.embeddings[0].plan  # its shapes are those of the longer plan
    assert len(plan.window_texts) == len(plan.row_vectors) and (plan.row_vectors[1:] > plan.row_vectors[:-1]).all()


def test_the_papers_ten_models_are_packaged():
    assert len(work.packaged()) == 10
    assert all(read_config(raw, "bfloat16").num_layers > 20 for raw in work.packaged().values())


def test_a_model_nobody_has_is_refused(place):
    with pytest.raises(InputError, match="Put config.json"):
        work.of_model("nobody/nothing", config_of(place))
