"""The Dockerfiles, read line by line: they can not be built here, but their parts must exist."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def instructions(kind: str) -> list[list[str]]:
    """Instruction and words of every line that is no comment."""
    text = (ROOT / f"docker/Dockerfile.{kind}").read_text("utf-8").replace("\\\n", " ")
    return [line.split(maxsplit=1) for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("kind", ["tpu", "cuda"])
def test_a_dockerfile_agrees_with_the_package(kind):
    found = instructions(kind)
    known = {"FROM", "WORKDIR", "COPY", "RUN", "ENV", "ENTRYPOINT", "CMD"}
    assert found[0][0] == "FROM" and {name for name, _ in found} <= known
    python = re.fullmatch(
        r"python:(3\.\d+)\.\d+-slim-[a-z]+", found[0][1]
    )  # pinned: no tag that moves between versions
    assert python and f"Programming Language :: Python :: {python[1]}" in PROJECT["classifiers"]
    copied = [word for name, rest in found if name == "COPY" for word in rest.split()[:-1]]
    assert all((ROOT / word).exists() for word in copied)
    assert {"pyproject.toml", PROJECT["readme"], "jaxalign"} <= set(copied)
    (install,) = [rest for name, rest in found if name == "RUN" and "pip install" in rest]
    (extra,) = re.findall(r"\.\[(\w+)\]", install)
    assert extra in PROJECT["optional-dependencies"] and extra.startswith(kind)
    assert "--no-cache-dir" in shlex.split(install) and "http" not in install  # from the package index only
    (entry,) = [rest for name, rest in found if name == "ENTRYPOINT"]
    assert entry.strip('[]"') in PROJECT["scripts"]


@pytest.mark.parametrize("kind", ["tpu", "cuda"])
def test_a_dockerfile_opens_with_its_commands_and_says_what_was_not_tried(kind):
    text = (ROOT / f"docker/Dockerfile.{kind}").read_text("utf-8")
    said = " ".join(text.replace("\n# ", " ").split())
    assert f"docker build -f docker/Dockerfile.{kind}" in said and "docker run" in said
    assert f"not run on a {'GPU' if kind == 'cuda' else 'TPU'}" in said
