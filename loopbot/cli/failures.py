"""How errors are told: what happened, to which thing, what to do now. No traceback for a person's mistake."""

import sys
from collections.abc import Callable

from loopbot.domain.errors import LoopbotError, SystemTrouble, UserError
from loopbot.domain.redaction import scrubbed

DONE, TROUBLE, MISTAKE, INTERRUPTED = 0, 1, 2, 130


def ended(command: Callable[[], int], *, verbose: bool = False) -> int:
    """Run a command to its end; its exit code, whatever it came to."""
    try:
        return command()
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place where an error becomes words
        return told(error, verbose=verbose)


def told(error: BaseException, *, verbose: bool = False) -> int:
    """Write the error to standard error and return the exit code it deserves."""
    if isinstance(error, BaseExceptionGroup):
        return max(told(one, verbose=verbose) for one in error.exceptions)
    if isinstance(error, UserError):
        _line(f"{error.where}: {error.why}", error.hint)
        return MISTAKE
    if isinstance(error, SystemTrouble):
        _line(f"{error.system}: {error.why}", error.hint)
        return TROUBLE
    if isinstance(error, LoopbotError):
        _line(str(error))
        return TROUBLE
    shown = getattr(error, "format_message", None)  # what typer says about a wrong option or argument
    if shown is not None:
        context = getattr(error, "ctx", None)
        _line(str(shown()), f"{context.command_path if context else 'loopbot'} --help")
        return int(getattr(error, "exit_code", MISTAKE))
    if type(error).__name__ == "Abort":
        _line("Stopped.")
        return INTERRUPTED
    if type(error).__name__ == "Exit":
        return int(getattr(error, "exit_code", DONE))
    if verbose:
        import traceback

        sys.stderr.write(scrubbed("".join(traceback.format_exception(error))))
    _line(
        f"something unexpected happened: {type(error).__name__}: {error}",
        "this is a defect of loopbot; run again with -v for the details",
    )
    return TROUBLE


def _line(what: str, remedy: str = "") -> None:
    what, remedy = scrubbed(what), scrubbed(remedy)
    sys.stderr.write(what + "\n")
    if remedy:
        sys.stderr.write(f"  → {remedy}\n")
