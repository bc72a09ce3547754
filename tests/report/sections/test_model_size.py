"""Sizes and families of models are read off their names."""

from jaxalign.report.sections.model_size import family, parameters


def test_sizes_are_read_off_names():
    known = {"meta-llama/Llama-2-13b-chat-hf": 13, "bigscience/bloomz-1b7": 1.7, "bloomz-7b1": 7.1, "aya-101": 13}
    known |= {"bloomz-560m": 0.56, "google/gemma-2.5b": 2.5, "demo": None, "models/mt0-large/": 1.2}
    assert {name: parameters(name) for name in known} == known
    assert parameters("demo", {"demo": 2_000_000}) == 0.002


def test_models_of_one_family_share_its_name():
    assert family("bigscience/bloomz-1b7") == family("bloomz-7b1") == "bloomz"
    assert family("bigscience/mt0-large") == family("mt0-xxl") == "mt0"
    assert family("demo (random weights)") == "demo" and family("lab/small-1b") == "small-1b"  # never without a name
    assert family("meta-llama/Llama-2-7b-chat-hf") == family("Llama-2-13b-chat-hf") != family("Llama-3.2-1B")
