"""What comes from outside runs no code, leaves its folder nowhere, and is escaped; nothing phones home."""

import os
import pickle
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from jaxalign import bench, models
from jaxalign.types import InputError
from tests.tiny import write_model

EVIL = "<script>alert(1)</script>"
FAST = ("--bootstrap=20", "--settings=before,after", "--retrieval=csls", "--csls_k=3", "--k=1", "--embeddings=vanilla")


def put_list(folder: Path, *more: str) -> Path:
    lines = ["id\tkind\ten\tfr", *(f"c{row}\tabstract\tdog{row}\tchien{row}" for row in range(20)), *more]
    (folder / "list.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "list.tsv"


def test_words_names_and_ids_are_escaped_in_the_page(tmp_path):
    quoted = "\"'><img src=x onerror=alert(1)>"
    cell = '"' + quoted.replace('"', '""')  # as a spreadsheet writes a quote
    lines = [f'{EVIL}{row}\tabstract\t{EVIL}{row}\t{cell}{row}"' for row in range(20)]
    model = write_model(tmp_path / f"</title><img src=x>{quoted.replace('/', '')}")
    flags = (f"--models={model}", "--weights=random", f"--concepts={put_list(tmp_path, *lines)}")
    assert bench.main(["bench", *FAST, *flags, f"--workdir={tmp_path / 'runs'}"]) == 0
    folder = tmp_path / "runs" / "run-0001"
    page = (folder / "report.html").read_text()
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    for kind, content in scripts:  # words stand in data, where no tag can begin; the code of the page holds none
        assert "<" not in content if "json" in kind else "alert(1)" not in content
    text = re.sub(r"<script[^>]*>.*?</script>", "", page, flags=re.DOTALL)
    assert "alert(1)" in text  # the words are there, as text
    for wrong in ("<script", "<img", "</title><img"):
        assert wrong not in text
    for drawing in folder.glob("figures/*.svg"):
        assert not re.search(r"<script|<img|onerror=(?!.*&)", drawing.read_text())
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)  # the page fetches nothing


def test_code_in_a_model_folder_is_not_run(tmp_path, monkeypatch):
    folder, marker = write_model(tmp_path / "model"), tmp_path / "ran"
    for name in ("modeling_evil", "tokenization_evil", "configuration_evil"):
        (folder / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')\nclass Evil: pass\n")
    kinds = {"AutoConfig": "configuration_evil.Evil", "AutoModel": "modeling_evil.Evil",
             "AutoTokenizer": ["tokenization_evil.Evil", "tokenization_evil.Evil"]}  # fmt: skip
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        text = path.read_text().rstrip().removesuffix("}").rstrip().rstrip(",")
        path.write_text(f'{text}, "auto_map": {str(kinds).replace(chr(39), chr(34))}}}')
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    flags = (f"--models={folder}", "--weights=random", f"--concepts={put_list(tmp_path)}")
    bench.main(["bench", *FAST, *flags, f"--workdir={tmp_path / 'runs'}"])
    assert not marker.exists() and not list(tmp_path.glob("hub/**/*.py"))


def test_a_bare_pickle_runs_no_code(tmp_path, capsys):
    folder, marker = write_model(tmp_path / "model"), tmp_path / "ran"

    class Evil:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"model.norm.weight": Evil()}))
    flags = (f"--models={folder}", f"--concepts={put_list(tmp_path)}", f"--workdir={tmp_path / 'runs'}")
    assert bench.main(["bench", *FAST, *flags]) == 2
    assert "pytorch_model.bin" in capsys.readouterr().err
    assert not marker.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_a_link_out_of_the_folder_is_refused(tmp_path, name):
    folder = write_model(tmp_path / "model")
    (tmp_path / "outside").write_bytes(b"x" * 100)
    (folder / name).symlink_to(tmp_path / "outside")
    with pytest.raises(InputError, match="lie in its folder, got a link to .*outside.*--models"):
        models.load_model(folder)


def test_links_into_the_blobs_of_the_hubs_cache_are_followed(tmp_path):
    folder = write_model(tmp_path / "models--a--b" / "snapshots" / "abc")
    blobs = tmp_path / "models--a--b" / "blobs"
    blobs.mkdir()
    (blobs / "0123").write_bytes(b"x" * 100)
    (folder / "model.safetensors").symlink_to("../../blobs/0123")
    with pytest.raises(InputError, match="whole safetensors file"):  # read, and found to be none
        models.load_model(folder)


def test_a_language_is_no_path(tmp_path):
    (tmp_path / "list.tsv").write_text("id\ten\t../../up\n" + "".join(f"c{i}\ta{i}\tb{i}\n" for i in range(9)))
    flags = (f"--concepts={tmp_path / 'list.tsv'}", "--export_spaces", f"--workdir={tmp_path / 'runs'}")
    assert bench.main(["bench", *FAST, *flags, f"--models={write_model(tmp_path / 'm')}", "--weights=random"]) == 2
    assert not list(tmp_path.glob("**/*.vec"))


GUARD = """
import os, socket
def refuse(*args, **kwargs):
    with open({log!r}, "a") as file:
        file.write(repr(args) + "\\n")
    raise OSError("no network here")
for name in ("getaddrinfo", "gethostbyname", "create_connection"):
    setattr(socket, name, refuse)
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, refuse)
"""


def test_nothing_phones_home(tmp_path):
    """A run of the packaged model in a process whose sockets cannot connect, with a hub address that would be seen."""
    log, home = tmp_path / "log", tmp_path / "home"
    home.mkdir()
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD.format(log=str(log)))
    root = Path(__file__).resolve().parents[2]
    env = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "TRANSFORMERS_", "JAX_"))} | {
        "PYTHONPATH": f"{tmp_path / 'guard'}{os.pathsep}{root}", "HF_ENDPOINT": "http://hub.invalid",
        "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"),
    }  # fmt: skip
    probe = [sys.executable, "-c", "import socket; socket.create_connection(('hub.invalid', 80))"]
    assert "no network here" in subprocess.run(probe, env=env, capture_output=True, text=True).stderr
    log.unlink()
    command = [sys.executable, "-m", "jaxalign.bench", "--languages=en,fr", "--settings=before,after", "--k=1",
               "--retrieval=nn", "--bootstrap=0", f"--workdir={tmp_path / 'runs'}"]  # fmt: skip
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, cwd=tmp_path, umask=0)
    assert done.returncode == 0, done.stderr
    assert not log.exists(), log.read_text()
    assert not list(home.rglob("*hub*"))  # nothing of the hub's is touched for what is on disk
    for cache in (home / "cache" / "jaxalign" / "compiled", tmp_path / "runs" / "spaces", tmp_path / "runs" / "ranks"):
        assert stat.S_IMODE(cache.stat().st_mode) == 0o700, cache
