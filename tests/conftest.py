"""What all tests share: where the real tables are, how hard hypothesis tries, one summary line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

REAL_DATA = "CARBONFLOWS_REAL_DATA"

# A shell that starts tests in the background has them, and what they start, ignore Ctrl-C; tests of
# Ctrl-C would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No figure of a test opens a window.
os.environ["MPLBACKEND"] = "agg"

# Compiled loops load during the first example, so no example has a deadline. What runs before every
# change takes minutes; `nox -s thorough` looks wide.
settings.register_profile(
    "quick",
    derandomize=True,
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "thorough",
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("CARBONFLOWS_HYPOTHESIS", "quick"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs real tables where there are none, and say how to get them."""
    reason = ""
    folder = os.environ.get(REAL_DATA)
    if not folder:
        reason = f"{REAL_DATA} is not set to the folder with the real tables"
    elif not Path(folder).is_dir():
        reason = f"{REAL_DATA} is {folder!r}, which is no folder"
    if reason:
        for item in items:
            if item.get_closest_marker("real_data"):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    """Close what a test has drawn, or pyplot would keep it, and warn of more than 20 figures."""
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder with the real tables (see the data README)."""
    folder = os.environ.get(REAL_DATA)
    if not folder:
        pytest.skip(f"{REAL_DATA} is not set to the folder with the real tables")
    return Path(folder)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print how many tests on real tables ran, so that none can be lost in silence."""
    counts = {
        outcome: sum(
            "real_data" in report.keywords
            for report in terminalreporter.stats.get(outcome, [])
            if getattr(report, "when", "call") in ("call", "setup")
        )
        for outcome in ("passed", "failed", "error", "skipped")
    }
    ran = counts["passed"] + counts["failed"] + counts["error"]
    terminalreporter.write_line(
        f"real-data tests: {ran} ran ({counts['passed']} passed), {counts['skipped']} skipped"
    )
