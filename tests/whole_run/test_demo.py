"""The demo checkpoint: size, tokenizer, parity with transformers, structure on concepts without dictionary pairs."""

import json
import unicodedata
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from jaxalign import models
from jaxalign.concepts import dataset
from jaxalign.embeddings import embed, prompts
from jaxalign.evaluation import pairs as pairs_module
from jaxalign.metrics.gains import precision_at
from jaxalign.models import parameters

LANGUAGES = ("en", "fr", "ro", "eu", "fi", "ja", "th")
FOLDER = models.demo_path()
PROMPT = 'Summarize concept "{}" in one French word:'


@pytest.fixture(scope="module")
def lexicon():
    return dataset.load("builtin", LANGUAGES)


@pytest.fixture(scope="module")
def model():
    return models.load_model("demo")


@pytest.fixture(scope="module")
def rows(lexicon):
    """Rows of the training and of the held-out concepts."""
    split = json.loads((FOLDER / "split.json").read_text(encoding="utf-8"))
    place = {name: i for i, name in enumerate(lexicon.ids)}
    return [np.array([place[name] for name in split[part]]) for part in ("seed", "test")]


def test_folder_is_small():
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md"} <= set(sizes)
    assert sum(sizes.values()) < 4_000_000


def test_split_covers_the_lexicon_once_and_holds_out_both_kinds_alike(lexicon, rows):
    seed, test = rows
    assert sorted([*seed, *test]) == list(range(len(lexicon.ids)))
    assert len(test) >= 100
    held = [lexicon.kinds[row] for row in test]
    assert abs(held.count("abstract") - held.count("physical")) <= 1


def test_tokenizer_covers_every_word(lexicon, model):
    unknown = model.tokenizer.unk_token_id
    for code, words in lexicon.words.items():
        ids = model.tokenizer(list(words))["input_ids"]
        assert all(row[0] == model.tokenizer.bos_token_id and unknown not in row for row in ids), code
        assert max(map(len, ids)) <= 6 and np.mean([len(row) - 1 for row in ids]) <= 3, code
        assert len({tuple(row) for row in ids}) == len({unicodedata.normalize("NFC", word) for word in words}), code


def test_tokenizer_spells_what_it_does_not_know_in_bytes(model):
    text = "Ω лес 漢𠀀"
    ids = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert model.tokenizer.unk_token_id not in ids
    assert model.tokenizer.decode(ids).replace(" ", "") == text.replace(" ", "")


def test_word_has_the_same_tokens_bare_and_in_the_prompt(lexicon, model):
    def tokens(text):
        return model.tokenizer(text, add_special_tokens=False)["input_ids"]

    before, after = (tokens(part) for part in PROMPT.split("{}"))
    for words in lexicon.words.values():
        for word in words[::40]:
            assert tokens(PROMPT.format(word)) == before + tokens(word) + after


def test_transformers_agrees_on_every_layer(lexicon, model):
    torch = pytest.importorskip("torch", reason="parity needs torch: pip install 'jaxalign[parity]'")
    transformers = pytest.importorskip("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(FOLDER)
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        FOLDER, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    texts = [word for words in lexicon.words.values() for word in words[::60]]
    texts += [PROMPT.format(words[7]) for words in lexicon.words.values()]
    texts += [" ".join(words[:250]) for words in list(lexicon.words.values())[::3]]
    token_lists = [tokenizer(text)["input_ids"] for text in texts]
    assert token_lists == [model.tokenizer(text)["input_ids"] for text in texts]
    ours = embed.hidden_states(model, token_lists)
    with torch.no_grad():
        runs = [reference.model(torch.tensor([ids]), output_hidden_states=True) for ids in token_lists]
    theirs = [np.stack([state[0].numpy() for state in run.hidden_states]) for run in runs]
    for layer in range(model.num_layers + 1):
        wanted = np.concatenate([states[layer] for states in theirs])
        difference = np.abs(np.concatenate([states[layer] for states in ours]) - wanted).max()
        assert difference <= 1e-5 * np.sqrt(np.mean(wanted.astype(np.float64) ** 2)), layer


def precision(model, lexicon, rows, frame, settings):
    """Setting -> mean P@1 over ordered pairs, on the held-out concepts among all."""
    seed, test = rows
    vectors = {
        code: embed.embed(model, prompts.fill(frame, words, code), pooling="last", layers="last")[0]
        for code, words in lexicon.words.items()
    }
    ranks = pairs_module.rank(vectors, seed=seed, test=test, settings=settings)
    pairs = ~np.eye(len(LANGUAGES), dtype=bool)
    return {setting: float(precision_at(table, 1)[pairs].mean()) for setting, table in ranks.items()}


FRAMES = {"vanilla": prompts.Template("vanilla", {"*": "{text}"}), "prompt": prompts.load()["paper"]}


@pytest.mark.parametrize("embedding", FRAMES)
def test_held_out_concepts_are_found_after_alignment_alone(lexicon, model, rows, embedding):
    trained = precision(model, lexicon, rows, FRAMES[embedding], ("before", "after", "null"))
    untrained = precision(models.load_model("demo", weights="random"), lexicon, rows, FRAMES[embedding], ("after",))
    print(embedding, trained, untrained)
    chance = 1 / len(lexicon.ids)
    assert trained["after"] > 50 * chance
    assert trained["after"] > 3 * trained["before"]
    assert trained["after"] > 5 * untrained["after"]
    assert trained["null"] < 10 * chance


def test_a_checkpoint_of_the_training_is_read_back_equal(tmp_path, monkeypatch):
    pytest.importorskip("optax")
    monkeypatch.syspath_prepend(str(Path(models.__file__).parents[2] / "benchmarks"))
    import train_demo
    from demo_corpus import read_lexicon

    tokenizer = train_demo.make_tokenizer(read_lexicon(train_demo.LEXICON))
    raw = train_demo.CONFIG | {"vocab_size": tokenizer.get_vocab_size()}
    params = models.random_params(models.read_config(raw), 0)
    train_demo.save(tmp_path / "step5", raw, params, tokenizer, {"seed": [], "test": []})
    loaded = parameters.flatten(models.load_model(f"{tmp_path}@step5").params)
    for path, leaf in parameters.flatten(params).items():
        rounded = np.asarray(leaf, np.float32).astype(ml_dtypes.bfloat16).astype(np.float32)
        np.testing.assert_array_equal(np.asarray(loaded[path]), rounded, err_msg=path)
