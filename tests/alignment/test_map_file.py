"""Maps as files: what a run wrote maps its own test words to its own ranks, and other words alike."""

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import jaxalign
from jaxalign import reference
from jaxalign.alignment import map_file, pair_map
from jaxalign.alignment.procrustes import MapOptions
from jaxalign.types import InputError
from tests.conftest import planted

STEPS = ("unit", "center", "unit")


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    spaces = planted(7, 80, 8, 2)
    path = tmp_path_factory.mktemp("maps") / "fr-en.safetensors"
    pair = pair_map.fit(spaces["fr"], spaces["en"], range(50), STEPS, MapOptions())
    map_file.write(path, pair, "fr", "en", {"model": "m", "layer": 4, "completion": "drop"})
    return path, spaces


def test_the_file_says_what_it_is_and_maps_new_words(kept):
    path, spaces = kept
    with safe_open(path, framework="numpy") as file:
        about = file.metadata()
        assert {"left", "right", "source_mean_0", "target_mean_0"} <= set(file.keys())
    assert about["source"] == "fr" and about["normalize"] == "unit,center,unit" and about["layer"] == "4"
    fr, en = reference.normalize(spaces["fr"]), reference.normalize(spaces["en"])
    turn = reference.procrustes(fr[:50], en[:50])
    assert np.allclose(jaxalign.apply_map(path, spaces["fr"], "fr"), fr @ turn, atol=2e-5)
    assert np.allclose(jaxalign.apply_map(path, spaces["en"], "en"), en, atol=2e-5)
    assert np.allclose(jaxalign.apply_map(path, spaces["en"], "en", into="fr"), en @ turn.T, atol=2e-5)
    assert np.allclose(jaxalign.apply_map(path, spaces["fr"], "fr", into="fr"), fr, atol=2e-5)
    one = jaxalign.apply_map(path, spaces["fr"][3:4] * 5, "fr")  # the run's means, not those of the words given
    assert one.dtype == np.float32 and np.allclose(one, (fr @ turn)[3:4], atol=2e-5)


def test_what_does_not_fit_is_named(kept, tmp_path):
    path, spaces = kept
    for vectors, language, said in ((spaces["fr"], "de", "fr or en"), (spaces["fr"][:, :3], "fr", "(row, 8)"),
                                    (spaces["fr"] * np.nan, "fr", "finite")):  # fmt: skip
        with pytest.raises(InputError) as caught:
            jaxalign.apply_map(path, vectors, language)
        assert said in str(caught.value)
    one_way = pair_map.fit(spaces["fr"], spaces["en"], range(50), STEPS, MapOptions(map="ridge"))
    map_file.write(tmp_path / "fr-en.safetensors", one_way, "fr", "en", {})
    with pytest.raises(InputError, match="en-fr.safetensors"):
        jaxalign.apply_map(tmp_path / "fr-en.safetensors", spaces["en"], "en", into="fr")
    save_file({"left": np.eye(3, dtype=np.float32)}, tmp_path / "other.safetensors")
    (tmp_path / "short.safetensors").write_bytes(path.read_bytes()[:100])
    for name in ("other.safetensors", "short.safetensors", "none.safetensors"):
        with pytest.raises(InputError, match=r"--export_maps.*Repeat the run"):
            jaxalign.apply_map(tmp_path / name, spaces["fr"], "fr")
