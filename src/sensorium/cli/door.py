"""The outermost door of the command line: every error becomes one clear line and an exit code.

Here alone is the environment set, are warnings and log lines given a form, and is a broad `except` allowed. Must not
know any command.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, TextIO

from sensorium._optional import require
from sensorium.cli import exit_codes
from sensorium.cli.escaping import show
from sensorium.cli.opening import BARS_VARIABLE
from sensorium.errors import SensoriumError

#: What libraries print on their own, said less loudly unless the user has set it.
_QUIET = {"LANCE_LOG": "error", "TRANSFORMERS_VERBOSITY": "error", "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1"}
#: Kinds of warnings that speak to programmers.
_FOR_PROGRAMMERS = (DeprecationWarning, FutureWarning, PendingDeprecationWarning, ResourceWarning)

_has_tracebacks = False


def show_tracebacks() -> None:
    """Let errors of this run show where they came from."""
    global _has_tracebacks
    _has_tracebacks = True


def run(argv: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code. Raises nothing."""
    global _has_tracebacks
    _has_tracebacks = False
    arguments = list(sys.argv[1:] if argv is None else argv)
    _prepare_environment()
    for stream in (sys.stdout, sys.stderr):
        _make_tolerant(stream)
    with _said_plainly():
        code = _run(arguments)
        return _finish_output(code)


def _run(arguments: list[str]) -> int:
    try:
        require("typer", "the command line")
        require("rich", "the command line")
    except SensoriumError as exc:
        return _report(exc, exit_codes.code_of(exc))
    from sensorium.cli.app import build
    from sensorium.cli.lazy import InterruptionError, PipeClosedError

    try:
        ended_with = build().main(args=arguments or ["--help"], prog_name="sensorium", standalone_mode=False)
        return ended_with if isinstance(ended_with, int) else exit_codes.DONE
    except SensoriumError as exc:
        return _report(exc, exit_codes.code_of(exc))
    except InterruptionError as exc:
        _say(exc.sentence)
        return exit_codes.INTERRUPTED
    except KeyboardInterrupt:
        _say("Interrupted.")
        return exit_codes.INTERRUPTED
    except (PipeClosedError, BrokenPipeError):
        return exit_codes.PIPE_CLOSED
    except SystemExit as exc:
        return exc.code if isinstance(exc.code, int) else exit_codes.FAILED
    except Exception as exc:  # noqa: BLE001 - the outermost door
        return _report_other(exc)


def _report(error: BaseException, code: int, prefix: str = "Error: ") -> int:
    if _has_tracebacks:
        import traceback

        for line in traceback.format_exception(error):
            sys.stderr.write(show(line, keep="\n\t"))
    _say(prefix + str(error))
    return code


def _report_other(error: Exception) -> int:
    """Report what is no error of ours: wrong usage as typer finds it, a question said no to, a fault."""
    import typer

    # Which click a typer stands on, its own or another, differs between versions; the names of its errors do not.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "UsageError" in kinds or "ClickException" in kinds:
        return _report_usage(error)
    if isinstance(error, typer.Abort):
        _say("Nothing was done.")
        return exit_codes.FAILED
    if isinstance(error, OSError):
        return _report(error, exit_codes.FAILED)
    hint = "" if _has_tracebacks else " This is a fault of Sensorium; `sensorium --traceback ...` shows where it is."
    code = _report(error, exit_codes.INTERNAL_ERROR, f"Internal error: {type(error).__name__}: ")
    if hint:
        _say(hint.strip())
    return code


def _report_usage(error: Any) -> int:
    context = getattr(error, "ctx", None)
    _say(f"Error: {error.format_message()}")
    if context is not None:
        _say(f"Try '{context.command_path} --help' for what there is.")
    return int(error.exit_code)


def _say(sentence: str) -> None:
    with contextlib.suppress(BrokenPipeError, ValueError):
        sys.stderr.write(show(sentence) + "\n")
        sys.stderr.flush()


def _prepare_environment() -> None:
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    if not _is_terminal(sys.stderr):
        os.environ.setdefault(BARS_VARIABLE, "1")


def _is_terminal(stream: TextIO) -> bool:
    return stream is not None and not stream.closed and stream.isatty()


def _make_tolerant(stream: TextIO) -> None:
    """Let a stream write characters that its encoding lacks as escapes, where it can be told to."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")


def _finish_output(code: int) -> int:
    """Write out what waits, so that a reader who went away is noticed here and not at the end of the process."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = exit_codes.PIPE_CLOSED
    except ValueError:  # closed by somebody else
        return code
    if code == exit_codes.PIPE_CLOSED:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


@contextlib.contextmanager
def _said_plainly() -> Iterator[None]:
    """Give warnings and log lines the form of one safe line each while the command line runs."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SafeFormatter())
    handler.setLevel(logging.WARNING)
    logger = logging.getLogger("sensorium")
    logger.addHandler(handler)
    before, logger.propagate = logger.propagate, False
    try:
        with warnings.catch_warnings():
            for kind in _FOR_PROGRAMMERS:
                warnings.simplefilter("ignore", kind)
            warnings.showwarning = _show_warning
            yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


class _SafeFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return show(f"{record.levelname.capitalize()}: {record.getMessage()}")


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    _say(f"Warning: {message}")
