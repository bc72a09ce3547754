"""Where spaces come from: models, folders of vectors, what is wrong with them."""

from jaxalign import bench
from tests.tiny import put_list, write_model


def test_a_broken_weights_file_is_named(tmp_path, capsys):
    folder = write_model(tmp_path / "model")
    (folder / "model.safetensors").write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{broken")
    flags = [f"--models={folder}", f"--concepts={put_list(tmp_path)}", f"--workdir={tmp_path / 'w'}"]
    assert bench.main(["bench", *flags]) == 2
    assert "model.safetensors" in capsys.readouterr().err
