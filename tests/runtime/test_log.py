"""The package's messages go to stderr at the level that --verbosity asks for, and nowhere without a command line."""

import logging
import subprocess
import sys

import pytest

from jaxalign.runtime import log


@pytest.mark.parametrize("verbosity, lines", [
    (1, ["a", "b", "warning: c", "d"]), (0, ["b", "warning: c", "d"]), (-1, ["warning: c", "d"]), (-2, ["d"]), (-9, []),
])  # fmt: skip
def test_levels_are_absls(verbosity, lines, capsys):
    log.configure(verbosity)
    log.configure(verbosity)  # one handler all the same
    log.LOGGER.debug("a")
    log.LOGGER.info("b")
    log.LOGGER.warning("c")
    log.LOGGER.error("d")
    out, err = capsys.readouterr()
    assert err.splitlines() == lines and out == ""


def test_as_a_library_only_warnings_are_shown():
    code = "from jaxalign.runtime.log import LOGGER; LOGGER.info('one'); LOGGER.warning('two')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "two\n" and done.stdout == ""


def test_each_message_is_shown_once_where_a_library_configures_the_root(capsys):
    log.configure(0)
    root = logging.StreamHandler(sys.stderr)
    logging.getLogger().addHandler(root)
    try:
        log.LOGGER.info("mine")
    finally:
        logging.getLogger().removeHandler(root)
    assert capsys.readouterr().err == "mine\n"
