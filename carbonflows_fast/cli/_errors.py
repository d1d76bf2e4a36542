"""``--errors FILE``: how sure the numbers are that a command prints and writes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import rtol_of
from carbonflows_fast.errors import CarbonFlowsError, InputError

if TYPE_CHECKING:
    from carbonflows_fast.table import Table
    from carbonflows_fast.uncertainties import Errors, Uncertainty

__all__ = [
    "HowSure",
    "add_errors",
    "errors_of",
    "how_sure",
    "require_fit_of_file",
    "say_what_is_meant",
    "with_account_sds",
]


@dataclass(frozen=True)
class HowSure:
    """Standard deviations of what a list of flows says: of flows, accounts and traded shares."""

    flows: Uncertainty
    accounts: Uncertainty
    shares: Uncertainty


def add_errors(
    parser: argparse.ArgumentParser, why: str = "print and write standard deviations too"
) -> None:
    """Add the errors of the table's cells, and why they are given."""
    parser.add_argument(
        "--errors",
        metavar="FILE",
        type=path_of,
        help=f"how wrong the table may be (TOML, see docs/uncertainty.md): {why}",
    )


def errors_of(arguments: argparse.Namespace) -> Errors | None:
    """Return the errors of a file, read before anything else."""
    if arguments.errors is None:
        return None
    from carbonflows_fast.uncertainties import Errors

    if arguments.demand is not None:
        raise InputError.about(
            "--errors",
            expected="the whole final demand",
            got="--demand too",
            remedy="leave one of them out",
        )
    return Errors.read(arguments.errors)


def how_sure(
    table: Table,
    stressor: Any,
    errors: Errors,
    of: Literal["accounts", "flows", "traded_share"],
    arguments: argparse.Namespace,
) -> Uncertainty:
    """Return standard deviations."""
    from carbonflows_fast.uncertainties import uncertainty

    return uncertainty(table, stressor, errors, of=of, **rtol_of(arguments))


def require_fit_of_file(
    first: Callable[[], Table], stressor: Any, errors: Errors, arguments: argparse.Namespace
) -> None:
    """Complain about a file of errors that does not fit the first table, before all are asked.

    What else is wrong with that table is said when its turn comes.
    """
    from carbonflows_fast.uncertainties._error_model._fit import require_fit

    try:
        require_fit(first(), stressor, errors)
    except CarbonFlowsError as error:
        if str(getattr(error, "argument", "")).startswith(f"{arguments.errors}, "):
            raise


def with_account_sds(frame: Any, found: Uncertainty | None) -> Any:
    """Return accounts with a column NAME_sd after each that has a standard deviation."""
    if found is None:
        return frame
    made = frame.copy()
    for name in found.sd:
        made.insert(made.columns.get_loc(name) + 1, f"{name}_sd", found.sd[name])
    return made


def say_what_is_meant(errors: Errors | None, arguments: argparse.Namespace) -> None:
    """Say what ± is."""
    if errors is not None:
        say(f"± is one standard deviation, for the errors in {arguments.errors}")
