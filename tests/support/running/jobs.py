"""What a process of a pool may be asked to do in tests."""

from __future__ import annotations

import signal
import time


def sleep_badly(seconds: float) -> float:
    """Sleep, and make another error of an exit, as a lock does that is interrupted."""
    try:
        time.sleep(seconds)
    except SystemExit as error:
        raise RuntimeError("release unlocked lock") from error
    return seconds


def hears_interrupts(_: object) -> bool:
    """Whether Ctrl-C comes through to this process."""
    return signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
