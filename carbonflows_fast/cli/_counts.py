"""Arguments of the command line that are counts."""

from __future__ import annotations

import argparse

__all__ = ["positive", "threads"]

MOST_THREADS = 4096


def positive(text: str) -> int:
    """Read a whole number > 0."""
    value = int(text)
    if value < 1:
        raise ValueError
    return value


positive.__name__ = "positive whole number"  # argparse puts it into its message


def threads(text: str) -> int:
    """Read a number of threads."""
    value = positive(text)
    if value > MOST_THREADS:
        raise argparse.ArgumentTypeError(f"expected at most {MOST_THREADS:,}, got {text}")
    return value


threads.__name__ = positive.__name__
