"""--export_maps and --export_mapped: what a run writes gives the run's own ranks."""

import json

import numpy as np
import pytest

import jaxalign
from jaxalign import bench, reference
from jaxalign.embeddings import word2vec_format
from jaxalign.experiment import map_export
from jaxalign.types import InputError, SpaceLabel
from tests.conftest import planted


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    root = tmp_path_factory.mktemp("export")
    spaces = planted(2, 90, 10, 3)
    word2vec_format.write_folder(root / "given", [f"c {n}" for n in range(90)], spaces)
    flags = [f"--spaces={root / 'given'}", f"--workdir={root / 'w'}", "--bootstrap=0", "--retrieval=csls",
             "--settings=before,after", "--seed_size=50", "--seed_sizes=20,50", "--languages=en,fr,ro",
             "--export_maps", "--export_mapped=English"]  # fmt: skip
    assert bench.main(["bench", *flags]) == 0
    return root


def csls_ranks(source, target, test):
    cosine = reference.unit_rows(source.astype(float)) @ reference.unit_rows(target.astype(float)).T
    scores = reference.csls(cosine)[test]
    return 1 + (scores > scores[np.arange(len(test)), test][:, None]).sum(1)


def test_maps_of_a_run_applied_to_its_vectors_give_its_ranks(place):
    run = place / "w" / "run-0001"
    ids, spaces = word2vec_format.read_folder(place / "given", ["en", "fr", "ro"])
    test = [ids.index(name) for name in json.loads((run / "split.json").read_text())["test"]]
    with np.load(run / "ranks.npz", allow_pickle=False) as file:
        (name,) = [name for name in file.files if "|after|50|" in name]
        ranks = file[name]
    (folder,) = (run / "maps").iterdir()
    assert sorted(path.name for path in folder.iterdir()) == [
        "en-fr.safetensors", "en-ro.safetensors", "fr-ro.safetensors"
    ]  # fmt: skip
    codes = list(spaces)
    for path in folder.iterdir():
        one, other = path.stem.split("-")
        for source, target in ((one, other), (other, one)):
            mapped = jaxalign.apply_map(path, spaces[source], source, into=target)
            kept = jaxalign.apply_map(path, spaces[target], target, into=target)
            wanted = ranks[codes.index(source), codes.index(target)]
            assert (csls_ranks(mapped, kept, test) == wanted).all()


def test_the_mapped_space_is_read_as_any_other(place):
    run = place / "w" / "run-0001"
    (folder,) = (run / "mapped").iterdir()
    ids, mapped = word2vec_format.read_folder(folder)
    test = [ids.index(name) for name in json.loads((run / "split.json").read_text())["test"]]
    with np.load(run / "ranks.npz", allow_pickle=False) as file:
        (name,) = [name for name in file.files if "|after|50|" in name]
        assert (csls_ranks(mapped["fr"], mapped["en"], test) == file[name][1, 0]).all()


def test_mapped_vectors_are_not_tested_on_what_their_map_has_seen(place, tmp_path, capsys):
    """Ids have a space, keys of files have none; a run on the mapped space draws its test set from the others."""
    run = place / "w" / "run-0001"
    (folder,) = (run / "mapped").iterdir()
    seed = {name.replace(" ", "_") for name in json.loads((run / "split.json").read_text())["seed"]}
    flags = [f"--spaces={folder}", f"--workdir={tmp_path}", "--bootstrap=0", "--retrieval=nn", "--settings=before"]
    assert bench.main(["bench", *flags]) == 0
    tested = json.loads((tmp_path / "run-0001" / "split.json").read_text())["test"]
    assert len(seed) == 50 and tested and not seed & set(tested)
    assert "the 50 concepts whose translations" in capsys.readouterr().err


def test_names():
    assert map_export.target_of("English", ("fr", "en")) == "en" and map_export.target_of("eng", ("eng",)) == "eng"
    with pytest.raises(InputError, match="--export_mapped"):
        map_export.target_of("de", ("fr", "en"))
    assert map_export.folder_name(SpaceLabel("a/b/m", "prompt:x", "last", 3)) == "m-prompt_x-last-3"
