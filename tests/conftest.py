"""What all tests share: the folder of real data, and which tests are fast."""

from pathlib import Path

import pytest

from jaxalign.runtime.log import LOGGER

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
    "metrics/test_precision.py",
    "metrics/test_significance.py",
    "models/test_wrong_checkpoints.py",
    "report/test_page.py",
    "runtime/test_files.py",
    "runtime/test_log.py",
    "runtime/test_progress.py",
    "runtime/test_run_folder.py",
    "whole_run/test_flags.py",
    "whole_run/test_flow.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives the marker `fast` to every test of the list above."""
    for item in items:
        if item.path.is_relative_to(TESTS) and item.path.relative_to(TESTS).as_posix().startswith(FAST):
            item.add_marker(pytest.mark.fast)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data beside the project; a test that needs it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared, which is not here")
    return SHARED


@pytest.fixture(autouse=True)
def logger_as_before():
    """A test that runs the command line leaves the logger as it was, so that `caplog` works in the next one."""
    level, propagate, handlers = LOGGER.level, LOGGER.propagate, list(LOGGER.handlers)
    yield
    LOGGER.setLevel(level)
    LOGGER.propagate, LOGGER.handlers[:] = propagate, handlers
