"""The command line: flags -> Config -> run.

    python -m jaxalign.bench --flagfile=benchmarks/quickstart.flags --languages=en,fr

Later flags override earlier ones. Exit status: 0 done, 1 failed, 2 wrong flag or wrong input, 130 interrupted (Ctrl-C),
143 ended (SIGTERM).
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

from absl import flags

from jaxalign.config import INT32, Config
from jaxalign.runtime import log, processes
from jaxalign.runtime.memory import OutOfMemoryError
from jaxalign.types import InputError

FLAGS = flags.FLAGS
_BY_TYPE: dict[type, Any] = {
    bool: flags.DEFINE_boolean,
    int: flags.DEFINE_integer,
    float: flags.DEFINE_float,
    str: flags.DEFINE_string,
}


def define_flags() -> None:
    """Defines one flag for every field of Config, once."""
    for option in fields(Config):
        if option.name in FLAGS:
            continue
        if isinstance(option.default, tuple):
            flags.DEFINE_list(option.name, [str(item) for item in option.default], option.metadata["help"])
        else:
            _BY_TYPE[type(option.default)](option.name, option.default, option.metadata["help"])


def help_text() -> str:
    """Every flag with its meaning, choices and default."""
    lines = [__doc__.strip(), "", "Flags (comma lists without spaces):"]
    for option in fields(Config):
        default: Any = option.default
        shown = ",".join(map(str, default)) if isinstance(default, tuple) else str(default)
        lines += [f"  --{option.name}={shown}", f"        {option.metadata['help']}{_bounds(option)}"]
    lines += ["  --flagfile=PATH", "        reads flags from a file, one a line; # opens a comment"]
    return "\n".join(lines)


def _bounds(option) -> str:
    low, high = option.metadata["bounds"] or (None, None)
    if low is None:
        return ""
    return f" ({low} or more)" if high == INT32 else f" ({low} to {high:,.0f})"


def config_from(argv: list[str]) -> Config:
    """The Config that a command line asks for; raises InputError for a wrong flag or value."""
    define_flags()
    FLAGS.unparse_flags()
    try:
        rest = FLAGS(argv)
    except (flags.Error, UnicodeDecodeError, OSError, RecursionError) as error:
        raise InputError(f"Expected flags as in --help, got {_said(error, argv)}. See --help.") from error
    if len(rest) > 1:
        raise InputError(f"Expected only flags such as --models=demo, got {' '.join(rest[1:])!r}. See --help.")
    values: dict[str, Any] = {}
    for option in fields(Config):
        value: Any = FLAGS[option.name].value
        values[option.name] = _items(option, value) if isinstance(option.default, tuple) else value
    return Config(**values)


def _said(error: Exception, argv: list[str]) -> str:
    """What absl has against a command line, in one line."""
    if isinstance(error, OSError | UnicodeDecodeError | RecursionError):
        files = " ".join(word for word in argv if "flagfile" in word)
        return f"a file that cannot be read ({files}: {error})"
    return " ".join(str(error).split()).rstrip(".")


def _items(option, texts: list[str]) -> tuple:
    try:
        return tuple(option.metadata["items"](text) for text in texts or [])
    except ValueError as error:
        raise InputError(f"Expected --{option.name} as a comma list of numbers, got {','.join(texts)!r}.") from error


class _Terminated(SystemExit):
    """SIGTERM came."""


def _terminate(number, frame):
    raise _Terminated(128 + number)


@contextmanager
def _heard_signals() -> Iterator[None]:
    """SIGTERM ends the run as Ctrl-C does; either is sent again where Python dropped it.

    An exception that a signal raises inside a finalizer or a callback of the garbage collector is only reported
    (`sys.unraisablehook`), and the run would go on.
    """
    report, handler = sys.unraisablehook, signal.signal(signal.SIGTERM, _terminate)

    def again(dropped: Any) -> None:
        number = {KeyboardInterrupt: signal.SIGINT, _Terminated: signal.SIGTERM}.get(dropped.exc_type)
        if number is None:
            report(dropped)
            return
        timer = threading.Timer(0.05, os.kill, (os.getpid(), number))
        timer.daemon = True
        timer.start()

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = report
        signal.signal(signal.SIGTERM, handler)


def main(argv: list[str]) -> int:
    """Runs the command line; returns the exit status."""
    if any(word in ("--help", "-h", "-help", "--helpfull", "-?") for word in argv[1:]):
        print(help_text())
        return 0
    try:
        with _heard_signals():
            config = config_from(argv)
            log.configure()
            from jaxalign.experiment import run  # JAX loads only when there is work to do

            run.run(config)
    except InputError as error:
        print(f"jaxalign: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("jaxalign: interrupted. Finished spaces are kept; the same command goes on from there.", file=sys.stderr)
        return 130
    except OutOfMemoryError as error:
        print(f"jaxalign: {error}. Finished spaces are kept; then run the same command again.", file=sys.stderr)
        return 1
    except (MemoryError, RuntimeError) as error:
        if not processes.is_single() and any(word in str(error) for word in processes.DISCONNECTED):
            print(processes.DISCONNECTED_TEXT, file=sys.stderr)
            return 1
        if isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" not in str(error):
            raise
        print(
            f"jaxalign: out of memory: {str(error)[:200]}. Finished spaces are kept; lower --batch_tokens, --bootstrap "
            "or --memory_budget, then run the same command again.",
            file=sys.stderr,
        )
        return 1
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(
            f"jaxalign: {error}. Finished spaces are kept; free room or rights, then run the same command again.",
            file=sys.stderr,
        )
        return 1
    return 0


def app() -> None:
    """The `jaxalign` command."""
    try:
        status: Any = main(sys.argv)
    except BaseException as error:
        if processes.is_single():
            raise
        traceback.print_exception(error) if not isinstance(error, SystemExit) else None
        status = getattr(error, "code", 1)
    if status and not processes.is_single():
        processes.exit_at_once(status)  # the others would wait for this process for minutes
    sys.exit(status)


if __name__ == "__main__":
    app()
