"""``--errors FILE``: how sure the numbers are that a command prints and writes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Literal

from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import naming, rtol_of
from carbonflows_fast.errors import InputError

if TYPE_CHECKING:
    from carbonflows_fast.table import Table
    from carbonflows_fast.uncertainties import Errors, Uncertainty

__all__ = ["add_errors", "errors_of", "how_sure", "say_what_is_meant", "with_account_sds"]


def add_errors(parser: argparse.ArgumentParser) -> None:
    """Add the errors of the table's cells."""
    parser.add_argument(
        "--errors",
        metavar="FILE",
        type=path_of,
        help="how wrong the table may be (TOML, see docs/uncertainty.md): print and write standard "
        "deviations too",
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
    errors: Errors | None,
    of: Literal["accounts", "flows"],
    arguments: argparse.Namespace,
) -> Uncertainty | None:
    """Return standard deviations, if errors were given; what is wrong with these names the file."""
    if errors is None:
        return None
    from carbonflows_fast.uncertainties import uncertainty
    from carbonflows_fast.uncertainties._error_model._errors import SOURCES

    file = str(arguments.errors)
    of_shared = [f"shared {one.name!r}, " for one in errors.shared]
    places = [f"{place}{source}" for place in ["", *of_shared] for source in SOURCES]
    with naming(arguments, **{place: f"{file}, {place}" for place in places}):
        return uncertainty(table, stressor, errors, of=of, **rtol_of(arguments))


def with_account_sds(frame: Any, found: Uncertainty | None) -> Any:
    """Return accounts with a column NAME_sd after each that has a standard deviation."""
    if found is None:
        return frame
    made = frame.copy()
    for name in found.sd:
        made.insert(made.columns.get_loc(name) + 1, f"{name}_sd", found.sd[name])
    return made


def say_what_is_meant(found: Uncertainty | None, arguments: argparse.Namespace) -> None:
    """Say what ± is."""
    if found is not None:
        say(f"± is one standard deviation, for the errors in {arguments.errors}")
