"""Ctrl-C in the command line's process, from its first moment to its last.

While modules are loaded an interrupt must not become an exception: it would leave any of thousands
of lines of other packages, some of which swallow it or turn it into another error. Nothing has been
begun by then, so the process ends where it is. Once a command runs, an interrupt is a
`KeyboardInterrupt`, so that files and processes are cleaned up, and any exception that follows
from it counts as the interrupt; if a command is loading a module, it comes when that is done.
Only the command line calls this, not the package.
"""

import atexit
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import Any
else:
    try:
        import _signal as signal  # the core of `signal`, which itself takes milliseconds to load
    except ImportError:
        import signal

__all__ = ["end_at_once", "heard", "leave", "raise_them", "say", "stopped_by_sigterm", "write"]

STATUS = 130
LOADER = "<frozen importlib._bootstrap>"  # the file of what loads modules, as frames name it
_again: "list[Any]" = []  # timers of interrupts to be repeated
_state = {"ours": False, "heard": False, "said": False}


def heard() -> bool:
    """Whether there was an interrupt."""
    return _state["heard"]


def write(line: str) -> None:
    """Write a line to standard error, past everything that may fail."""
    try:  # noqa: SIM105 - `contextlib` is not loaded yet
        os.write(2, f"{line}\n".encode())
    except OSError:
        pass


def say(put: "Callable[[str], None]" = write) -> int:
    """Say that there was an interrupt, once where it ends the process, and return its status."""
    if not _state["said"]:
        _state["said"] = _state["ours"]
        put("interrupted")
    return STATUS


def end_at_once() -> None:
    """End the process at an interrupt, unless it was started with SIGINT ignored."""
    if signal.getsignal(signal.SIGINT) != signal.default_int_handler:
        return
    try:
        signal.signal(signal.SIGINT, _end)
    except ValueError:  # not the main thread
        return
    _state["ours"] = True
    atexit.register(_last)  # handlers run in reverse order of registration


def _last() -> None:
    """End with our status: Python would raise SIGINT once more if it went through an `exec`."""
    if _state["said"]:
        os._exit(STATUS)


def raise_them() -> None:
    """Raise `KeyboardInterrupt` from here on, and keep quiet about what that breaks."""
    if _state["ours"]:
        sys.unraisablehook = _unraisable
        signal.signal(signal.SIGINT, _raise)


def leave(status: int) -> None:
    """Let the process end in peace: what was asked for is done, or nothing is left to be done."""
    if _state["ours"]:
        signal.signal(signal.SIGINT, _gone if status == STATUS else signal.SIG_IGN)
        for timer in _again:
            timer.cancel()


def _end(*_: object) -> None:
    os._exit(say())


def _gone(*_: object) -> None:
    os._exit(STATUS)


def _raise(_: int, frame: "Any") -> None:
    _state["heard"] = True
    loader = _outermost_loader(frame)
    if loader is None:
        raise KeyboardInterrupt
    # That frame goes on once the module is loaded; the interrupt comes with the next thing it does.
    loader.f_trace = _raise_now
    sys.settrace(_follow_no_other)


def _outermost_loader(frame: "Any") -> "Any":
    """Return what began to load a module, and waits for it; None if no module is being loaded."""
    loader, inner = None, None
    while frame is not None:
        if inner and inner.f_code.co_filename == LOADER and frame.f_code.co_filename != LOADER:
            loader = frame
        inner, frame = frame, frame.f_back
    return loader


def _follow_no_other(*_: object) -> None:
    return None


def _raise_now(*_: object) -> None:
    sys.settrace(None)
    raise KeyboardInterrupt


def _unraisable(of: "Any") -> None:
    """Let an interrupt come again that came where nothing can be raised."""
    if not heard():
        sys.__unraisablehook__(of)
    elif issubclass(of.exc_type, KeyboardInterrupt):
        import threading

        timer = threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGINT])
        timer.daemon = True
        _again.append(timer)
        timer.start()


class stopped_by_sigterm:
    """Let SIGTERM, which schedulers send, stop processes that were started as well."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, _stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)


def _stop(number: int, _: object) -> None:
    sys.exit(128 + number)
