"""What the command line shows and writes: plain text tables, and files by extension."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from carbonflows_fast._base import wording
from carbonflows_fast._base.wording import chance, numbers, with_unit
from carbonflows_fast.classification import membership_note
from carbonflows_fast.cli._streams import printable, say, width

__all__ = [
    "chance",
    "columns",
    "households_in",
    "measured",
    "numbers",
    "percent",
    "say",
    "say_columns",
    "say_memberships",
    "share_of",
    "show_accounts",
    "with_unit",
]


# --- what is selected -----------------------------------------------------------------------


def say_memberships(names: Sequence[Any], year: int | None) -> None:
    """Say whose membership each group of countries is, where that of the table's year differs."""
    for name in dict.fromkeys(names):
        note = membership_note(name, year)
        if note:
            say(f"{name}: {note}")


# --- text -----------------------------------------------------------------------------------


def percent(share: float, *, sign: bool = False) -> str:
    """Return a share as text, with the minus of other numbers on screen.

    >>> percent(0.2331, sign=True), percent(0.239), percent(-0.4)
    ('+23.3 %', '23.9 %', '-40.0 %')
    """
    return wording.percent(share, sign=sign).replace("−", "-")


def share_of(part: float, parts: Iterable[float]) -> float:
    """Return a part over the sizes of all parts: where these have one sign, over their sum.

    >>> share_of(1.0, [1.0, 3.0]), share_of(5.0, [5.0, -4.0]) < 1, share_of(0.0, [0.0])
    (0.25, True, nan)
    """
    gross = sum(abs(float(one)) for one in parts)
    return part / gross if gross else math.nan


def columns(heads: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return rows of text as aligned columns, the first `left` to the left, others to the right.

    >>> print(columns(["region", "CO2"], [["DE", "1,234"], ["FR", "87"]]))
    region    CO2
    DE      1,234
    FR         87
    """
    # A label may hold a line break, which would tear the line.
    lines = [
        [printable("\\n".join(cell.splitlines()) or cell) for cell in row] for row in (heads, *rows)
    ]
    widths = [max(width(line[at]) for line in lines) for at in range(len(heads))]

    def aligned(at: int, cell: str) -> str:
        blank = " " * (widths[at] - width(cell))
        return cell + blank if at < left else blank + cell

    return "\n".join(
        "  ".join(aligned(at, cell) for at, cell in enumerate(line)).rstrip() for line in lines
    )


def say_columns(heads: Sequence[str], *cells: Iterable[object], left: int = 1) -> None:
    """Print columns of cells under their heads, as :func:`columns` aligns them."""
    rows = zip(*(map(str, column) for column in cells), strict=True)
    say(columns(heads, [list(row) for row in rows], left=left))


# --- results --------------------------------------------------------------------------------


def households_in(own: Any, kept: str, *, selected: bool) -> str:
    """Return what is said where households emit, or that there is no such thing.

    >>> households_in([0.0, 0.0], "households' own included", selected=False)
    'the table has no emissions of households'
    """
    if any(own):
        return kept
    return f"{'this final demand' if selected else 'the table'} has no emissions of households"


def show_accounts(
    frame: Any, largest: int | None = None, *, selected: bool = False, found: Any = None
) -> None:
    """Print national accounts, all or the largest by production, and their sum.

    `selected`: of a part of the final demand. `found`: how sure they are, printed as ± beside each.
    """
    unit = frame.attrs["unit"]
    amounts = ["production", "consumption", "imports", "exports", "net_imports"]
    shown = frame
    if largest is not None and largest < len(frame):
        shown = frame.sort_values("production", ascending=False, kind="stable").head(largest)
    total = frame[amounts].sum()
    total["net_imports"] = total["consumption"] - total["production"]
    summed = not unit.endswith("per head")  # those have no sum
    heads, cells = ["region"], [[*shown.index, *([f"all {len(frame)}"] if summed else [])]]
    for name in amounts:
        heads.append(name.replace("_", " "))
        whole = [total[name]] if summed else []
        cells.append(numbers([*shown[name], *whole]))  # decimals column by column
        if found is not None:
            heads.append("±")
            cells.append(_deviations(found, name, shown.index))
    say_columns(
        [*heads, "net share"],
        *cells,
        [*(percent(share, sign=True) for share in shown["net_share"]), *([""] if summed else [])],
    )
    households = households_in(
        frame["households"],
        "production and consumption include households' own emissions",
        selected=selected,
    )
    say(f"in {unit or '(no unit)'}; {households}")
    lost = float(frame["unallocated"].sum()) if "unallocated" in frame else 0.0
    if summed and abs(lost) > frame.attrs["error_bound"]:
        say(f"unallocated (no final demand accounts for it): {with_unit(lost, unit)}")
    say(f"certified: no account is wrong by more than {frame.attrs['error_bound']:.1e} {unit}")


def _deviations(found: Any, account: str, regions: Any) -> list[str]:
    """Return the standard deviations of an account, and of its sum where covariances are known."""
    shown = list(found.sd.loc[regions, account])
    if account not in ("production", "consumption"):
        return [*numbers(shown), ""]
    return numbers([*shown, found.total(account).sd])


def measured(frame: Any, attrs: Mapping[Any, Any]) -> Any:
    """Return a frame with its stressor and unit as columns, the last ones."""
    names = [name for name in ("stressor", "unit") if name not in frame]
    return frame.assign(**{name: str(attrs.get(name, "")) for name in names})
