"""What all tests share: the folder of real data, planted spaces, and which tests are fast."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from jaxalign.runtime.log import LOGGER
from tests import small_run

# No test fails because the machine is busy.
settings.register_profile("jaxalign", deadline=None)
settings.load_profile("jaxalign")

TESTS = Path(__file__).resolve().parent
SHARED = TESTS.parents[1] / "shared"
# `python -m pytest -m fast`: files and folders whose tests need no compilation of large programs and no child process.
FAST = (
    "concepts/",
    "embeddings/test_packing.py",
    "embeddings/test_prefix_tree.py",
    "embeddings/test_prompts.py",
    "embeddings/test_row_layout.py",
    "embeddings/test_word2vec_format.py",
    "evaluation/test_options.py",
    "evaluation/test_result.py",
    "evaluation/test_rows.py",
    "evaluation/test_settings.py",
    "experiment/test_design.py",
    "experiment/test_limits.py",
    "experiment/test_result_cache.py",
    "metrics/comparisons/",
    "metrics/test_evaluated.py",
    "metrics/test_gains.py",
    "metrics/test_precision.py",
    "metrics/test_rows.py",
    "metrics/test_significance.py",
    "models/checkpoint/test_files.py",
    "models/checkpoint/test_keys.py",
    "models/families/test__",
    "models/families/test_registry.py",
    "report/page/test_citation.py",
    "report/page/test_heat.py",
    "report/test_names.py",
    "retrieval/test_counting.py",
    "retrieval/test_csls.py",
    "retrieval/test_penalties.py",
    "runtime/test_files.py",
    "runtime/test_log.py",
    "runtime/test_progress.py",
    "runtime/test_run_folder.py",
    "test_bench.py",
    "test_config.py",
    "test_flag_",
    "test_languages.py",
    "test_reference.py",
    "whole_run/test_flags.py",
    "whole_run/test_flow.py",
)


# The files that take longest start first, so that no process waits at the end for the other one to finish its file.
LONGEST = (
    "whole_run/test_faults.py",
    "whole_run/test_documents.py",
    "whole_run/test_processes.py",
    "whole_run/test_wrong_input.py",
    "runtime/test_bucket.py",
    "models/test_fields.py",
    "embeddings/test_vector_store.py",
    "whole_run/test_independence.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the marker `fast` to every test of its list, and puts the longest files first."""
    order = {}
    for item in items:
        name = item.path.relative_to(TESTS).as_posix() if item.path.is_relative_to(TESTS) else ""
        order[item.nodeid] = LONGEST.index(name) if name in LONGEST else len(LONGEST)
        if name.startswith(FAST) and "wordnet_data" not in getattr(item, "fixturenames", ()):  # whole wordnets are slow
            item.add_marker(pytest.mark.fast)
    items.sort(key=lambda item: order[item.nodeid])


_CACHE = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """One cache of compiled programs for the whole session: its processes and the children that they start."""
    if "PYTEST_XDIST_WORKER" in os.environ or "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    config.stash[_CACHE] = os.environ["JAX_COMPILATION_CACHE_DIR"] = tempfile.mkdtemp(prefix="jaxalign-tests-")
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes that cache."""
    if folder := config.stash.get(_CACHE, None):
        del os.environ["JAX_COMPILATION_CACHE_DIR"], os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"]
        shutil.rmtree(folder, ignore_errors=True)


LANGUAGES = ("en", "fr", "ro", "fi", "ja")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared, which is not here")
    return SHARED


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a tiny model, a concept list, and a finished run to compare with; see `tests.small_run`."""
    return small_run.make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture(autouse=True)
def logger_as_before():
    """A test that runs the command line leaves the logger as it was, so that `caplog` works in the next one."""
    level, propagate, handlers = LOGGER.level, LOGGER.propagate, list(LOGGER.handlers)
    yield
    LOGGER.setLevel(level)
    LOGGER.propagate, LOGGER.handlers[:] = propagate, handlers


def planted(
    seed: int,
    concepts: int,
    features: int,
    languages: int | Sequence[str] = 3,
    noise: float | np.ndarray = 0.5,
    spread: tuple[float, float] = (0.3, 1.0),
    offset: float = 0.0,
    rotated: bool = True,
) -> dict[str, np.ndarray]:
    """Spaces that share hidden vectors, each rotated in its own way, with noise; (concept, feature) float32.

    noise: one level, one per concept (concept,), or one per language (language, 1); spread: bounds of the features'
    standard deviations; offset: added to every feature.
    """
    rng = np.random.default_rng(seed)
    names = LANGUAGES[:languages] if isinstance(languages, int) else languages
    hidden = rng.standard_normal((concepts, features)) * rng.uniform(*spread, features)
    levels = np.broadcast_to(noise, (len(names), concepts))
    spaces = {}
    for name, level in zip(names, levels, strict=True):
        rotation = np.linalg.qr(rng.standard_normal((features, features)))[0] if rotated else np.eye(features)
        own = rng.standard_normal((concepts, features)) * level[:, None]
        spaces[name] = ((hidden + own) @ rotation + offset).astype(np.float32)
    return spaces


def turned(seed, seeds, features, noise=0.0, reflect=False):
    """(source, target, rotation): target is the source turned, with noise; float32."""
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((features, features)))[0]
    if (np.linalg.det(rotation) < 0) != reflect:
        rotation[:, 0] *= -1
    source = rng.standard_normal((seeds, features))
    target = source @ rotation + noise * rng.standard_normal((seeds, features))
    return source.astype(np.float32), target.astype(np.float32), rotation


def narrow_products(text: str) -> list[str]:
    """Products of a lowered program that are less exact than float32: neither HIGHEST nor one of bfloat16 parts.

    `jaxalign.alignment.products` makes a product of float32 from bfloat16 parts on a TPU, each with a float32 result.
    """
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert products
    in_parts = "xbf16>) -> tensor<"
    return [line for line in products if "[HIGHEST, HIGHEST]" not in line
            and not (in_parts in line and "xf32>" in line.partition(in_parts)[2])]  # fmt: skip
