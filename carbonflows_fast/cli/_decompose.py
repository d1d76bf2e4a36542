"""What ``carbonflows-fast decompose`` takes and shows."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import TYPE_CHECKING, Any

from carbonflows_fast.cli._files import path_of, write_out
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._text import columns, measured, numbers, percent, say_columns, with_unit

if TYPE_CHECKING:
    from carbonflows_fast.decomposition import Decomposition, PathChanges

__all__ = ["add_arguments", "show"]

METHODS = ("shapley", "lmdi", "polar")
KINDS = ("intensity", "technology", "trade", "demand")


def add_arguments(parser: argparse.ArgumentParser, positive: Any) -> None:
    """Add the number of chains and the method."""
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--top", type=positive, help="number of chains (default 20)")
    many.add_argument("--threshold", type=float, help="all that changed by this, in the unit")
    many.add_argument("--min-share", type=float, help="all that changed by this share of the total")
    parser.add_argument("--max-stage", type=int, help="longest chain, in purchases")
    parser.add_argument(
        "--method",
        choices=METHODS,
        default="shapley",
        help="attribution to a chain's factors (default shapley)",
    )
    parser.add_argument(
        "--chains", metavar="FILE", type=path_of, help="write all chains found, as --out does"
    )
    parser.add_argument("--lines", type=positive, default=20, help="chains to show (default 20)")


def show(whole: Decomposition, found: PathChanges | None, arguments: argparse.Namespace) -> None:
    """Print the effects and the chains that changed most, and write both."""
    show_decomposition(whole)
    if found is None:
        say()
        say(
            "no chains: negative inputs (by-products) cancel chains of any length, so that nothing "
            "bounds what a list leaves out"
        )
    else:
        show_changes(found, arguments.lines)
    about = {name: getattr(whole, name) for name in ("label", "prices", "method")}
    effects = whole.to_frame().assign(share=whole.shares, **about)
    write_out(measured(effects.reset_index(), effects.attrs), arguments.out)
    if found is None:
        return
    chains = found.to_frame()
    write_out(measured(chains, chains.attrs), arguments.chains, "--chains")


def show_decomposition(found: Decomposition) -> None:
    """Print the effects of the whole change."""
    unit, effects = found.unit, found.to_frame()["effect"]
    say(
        f"{found.label}, {found.prices}, industrial emissions: {with_unit(found.before, unit)} → "
        f"{with_unit(found.after, unit)}"
    )
    shares = [*found.shares, found.shares.sum(min_count=1)]
    say_columns(
        [f"due to ({found.method})", unit or "effect", "of before"],
        [*effects.index, "all"],
        numbers([*effects, found.total]),
        [percent(share, sign=True) for share in shares],
    )
    if found.has_sinks:
        say(f"of before: of {with_unit(found.gross_before, unit)}, emissions and sinks added up")
    say(f"the effects add up to the change but for {found.closure:.1e} of {found.closure_of}")


def show_changes(found: PathChanges, lines: int) -> None:
    """Print the chains that changed most, with the effects of each."""
    explained, unit = found.explained, found.unit
    rises, falls = (float(sign * (sign * found.change).clip(0).sum()) for sign in (1, -1))
    # A share of a change says little where rises and falls cancel.
    parts = ""
    if rises and falls:
        parts = f", rises of {with_unit(rises, unit)} and falls of {with_unit(-falls, unit)}"
    elif 0 <= (share := explained["change"] / (found.total or float("nan"))) <= 1:
        parts = f", {percent(share)} of the change"
    say()
    count = "1 chain" if len(found) == 1 else f"{len(found):,} chains"
    added = "adds" if len(found) == 1 else "add"
    say(
        f"{count} ({found.method}) {added} {with_unit(explained['change'], unit)}"
        f"{parts}; all others {with_unit(float(found.pruned.sum()), unit)}"
    )
    frame = found.to_frame().head(lines)
    amounts = frame[["change", *(f"effect_{kind}" for kind in KINDS)]]
    texts = iter(numbers(amounts.to_numpy().ravel()))  # of one unit: as many decimals everywhere
    body = [[path, *islice(texts, amounts.shape[1])] for path in frame["path"]]
    say(columns(["chain, final product first", unit or "change", *KINDS], body))
    say("trade is the choice of a region at every step, demand origin above among them")
