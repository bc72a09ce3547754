"""The command line: flags -> Config -> run.

    jaxalign --quickstart
    python -m jaxalign.bench --flagfile=benchmarks/quickstart.flags --languages=en,fr

Flags of the command line replace those of a flagfile, wherever the flagfile stands; of two others the later one counts.
Exit status: 0 done, 1 failed, 2 wrong flag or wrong input, 130 interrupted
(Ctrl-C), 143 terminated (SIGTERM).
"""

import gc
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import islice
from typing import Any

from absl import flags
from absl import logging as absl_logging  # noqa: F401  (defines --verbosity)

from jaxalign import flag_help
from jaxalign.config import Config
from jaxalign.runtime import log, processes
from jaxalign.runtime.memory import OutOfMemoryError
from jaxalign.types import InputError

FLAGS = flags.FLAGS
# As benchmarks/quickstart.flags. The demo model brings its own split of the built-in lexicon.
QUICKSTART = ("--suite=alignment", "--concepts=builtin", "--models=demo", "--languages=en,fr,ro,eu,fi,ja,th")
_BY_TYPE: dict[type, Any] = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}
_HELP = {"--help": False, "-help": False, "-h": False, "-?": False, "--helpfull": True, "-helpfull": True}


def define_flags() -> None:
    """Defines one absl flag for every field of Config, once per process."""
    for option in fields(Config):
        if option.name in FLAGS:
            continue
        if isinstance(option.default, tuple):
            flags.DEFINE_list(option.name, [str(item) for item in option.default], option.metadata["help"])
        else:
            _BY_TYPE[type(option.default)](option.name, option.default, option.metadata["help"])


def config_from(argv: Sequence[str]) -> Config:
    """The Config that a command line asks for; raises InputError for a wrong flag or value."""
    define_flags()
    FLAGS.unparse_flags()
    words = _with_files_first(_with_lists_joined(argv))
    try:
        rest = FLAGS(words)
    except (flags.Error, UnicodeDecodeError, OSError, RecursionError) as error:
        raise InputError(f"Expected flags as in --help, got {_reason(error, words)}. See --help.") from error
    if len(rest) > 1:
        raise InputError(f"Expected only flags such as --models=demo, got {' '.join(rest[1:])!r}. See --help.")
    values: dict[str, Any] = {}
    for option in fields(Config):
        value: Any = FLAGS[option.name].value
        values[option.name] = _items(option, value) if isinstance(option.default, tuple) else value
    return Config(**values)


def _with_files_first(words: Sequence[str]) -> list[str]:
    """The words with flagfiles and the quickstart's flags before the others, which replace what they say.

    `--suite=plan --flagfile=X` asks for the plan of X: in absl's order a `--suite` in X would replace it in silence.
    """
    files: list[str] = []
    others: list[str] = []
    rest = iter(words[1:])
    for word in rest:
        if word in ("--quickstart", "-quickstart"):
            files += QUICKSTART
        elif word in ("--flagfile", "-flagfile"):
            files += [word, *islice(rest, 1)]
        else:
            (files if word.startswith(("--flagfile=", "-flagfile=")) else others).append(word)
    return [*words[:1], *files, *others]


def _with_lists_joined(words: Sequence[str]) -> list[str]:
    """The words with `--k=1, 5` as one, which the shell splits at the blank."""
    joined: list[str] = []
    for word in words:
        if joined and joined[-1].startswith("-") and joined[-1].endswith(",") and word and not word.startswith("-"):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _reason(error: Exception, words: Sequence[str]) -> str:
    """The objection of absl to a command line, in one line."""
    if isinstance(error, OSError | UnicodeDecodeError | RecursionError):
        files = " ".join(word for word in words if "flagfile" in word)
        return f"a file that cannot be read ({files}: {error})"
    return " ".join(str(error).split()).rstrip(".")


def _items(option, texts: Sequence[str]) -> tuple:
    try:
        return tuple(option.metadata["items"](text) for text in texts or [])
    except ValueError as error:
        raise InputError(f"Expected --{option.name} as a comma list of numbers, got {','.join(texts)!r}.") from error


class _Terminated(SystemExit):
    """Raised in the main thread when SIGTERM arrives."""


def _terminate(number, frame):
    raise _Terminated(128 + number)


@contextmanager
def _signals_end_the_run() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does; either is sent again where Python dropped it.

    An exception that a signal raises inside a finalizer or a callback of the garbage collector is only reported
    (`sys.unraisablehook`), and the run would continue.
    """
    report, handler = sys.unraisablehook, signal.signal(signal.SIGTERM, _terminate)

    def send_again(dropped: Any) -> None:
        number = {KeyboardInterrupt: signal.SIGINT, _Terminated: signal.SIGTERM}.get(dropped.exc_type)
        if number is None:
            report(dropped)
            return
        timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = send_again
    try:
        yield
    finally:
        sys.unraisablehook = report
        signal.signal(signal.SIGTERM, handler)


def main(argv: Sequence[str]) -> int:
    """Runs the command line; returns the exit status."""
    config = None
    try:
        for word in argv[1:]:
            if word in _HELP or word in ("--version", "-version"):
                print(flag_help.text(full=_HELP[word]) if word in _HELP else flag_help.version(), flush=True)
                return 0
        with _signals_end_the_run():
            config = config_from(argv)
            log.configure(int(FLAGS["verbosity"].value or 0) if FLAGS["verbosity"].present else 0)
            start = time.perf_counter()
            from jaxalign.experiment import run  # JAX loads only when there is work to do

            gc.freeze()  # else each full garbage collection visits 200,000 objects of the libraries
            run.run(config, time.perf_counter() - start)
    except InputError as error:
        return _failed(str(error), 2)
    except KeyboardInterrupt:
        return _failed("interrupted. Finished spaces are kept; the same command goes on from there.", 130)
    except OutOfMemoryError as error:
        return _failed(f"{error}. Finished spaces are kept; then run the same command again.", 1)
    except (MemoryError, RuntimeError) as error:
        if not processes.is_single() and any(word in str(error) for word in processes.DISCONNECTED):
            print(processes.DISCONNECTED_TEXT, file=sys.stderr)
            return 1
        if isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return _failed(f"out of memory: {str(error)[:200]}. {_memory_advice(config)}", 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        advice = (
            "Finished spaces are kept; free disk space or correct the permissions, then run the same command again."
        )
        return _failed(f"{error}. {advice}", 1)
    return 0


def _failed(message: str, status: int) -> int:
    print(f"jaxalign: {message}", file=sys.stderr)
    return status


def _memory_advice(config: Config | None) -> str:
    """What lowers the memory of a run in this mode."""
    if config is None or config.suite == "kernels":
        return "Lower --memory_budget or --sizes, then run the same command again."
    if config.suite == "embed":
        return "Lower --batch_tokens, raise --model_parallel or give --dtype=bfloat16, then run the same command again."
    if config.dictionary:
        return "Lower --memory_budget, or shorten the .vec files of --spaces, then run the same command again."
    models = "" if config.spaces else "lower --batch_tokens, raise --model_parallel, give --dtype=bfloat16, or "
    advice = f"{models}lower --bootstrap or --memory_budget, then run the same command again."
    return f"Finished spaces are kept; {advice}"


def app() -> None:
    """The `jaxalign` command."""
    gc.set_threshold(50_000, 20, 20)  # rows and figures are many objects without cycles: 0.6 s of the quickstart
    try:
        status: Any = main(sys.argv)
    except BaseException as error:
        if processes.is_single():
            raise
        traceback.print_exception(error) if not isinstance(error, SystemExit) else None
        status = getattr(error, "code", 1)
    if status and not processes.is_single():
        processes.exit_at_once(status)  # otherwise the other processes would wait minutes for this one
    sys.exit(status)


if __name__ == "__main__":
    app()
