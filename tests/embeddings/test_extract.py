"""Vectors of a plan: the same whatever the shape of the batches, with few compiled programs."""

import pytest

from jaxalign.embeddings import embed, extract, packing, prompts, tokenize
from tests import tiny
from tests.embeddings.same_vectors import assert_same


@pytest.mark.parametrize("width, batch_tokens", [(32, 32), (64, 128), (128, 4096)])
def test_same_vectors_whatever_the_width_and_batch(model, width, batch_tokens):
    texts = [word for column in tiny.concepts(4).words.values() for word in column]
    part = tokenize.tokenize(model.tokenizer, texts)
    requests = [packing.Request(part, pooling) for pooling in ("last", "mean")]
    want = embed.run(model, requests, "all")
    plan = packing.forest(requests, causal=model.causal, rows=packing.Rows(width), features=model.width)
    engine = extract.engine(model)
    shape = extract.shape_for(engine, plan, extract.parse_layers(model, "all"), batch_tokens)
    vectors = extract.all_vectors(engine, plan, shape)
    for rows, other in zip(plan.where, want, strict=True):
        assert_same(vectors[:, rows], other)


def test_templates_share_compiled_programs(model, tmp_path):
    templates = {name: prompts.load()[name] for name in ("paper", "unquoted", "english", "neutral")}
    before = extract.compiled.cache_info().misses
    options = embed.SpaceOptions(embeddings=("prompt",), templates=templates, batch_tokens=512)
    embed.spaces(model, tiny.concepts(9), options, store_root=tmp_path)
    assert 0 < extract.compiled.cache_info().misses - before < len(templates)
