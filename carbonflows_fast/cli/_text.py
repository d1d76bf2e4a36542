"""What the command line shows and writes: plain text tables, and files by extension."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.files import check_place, replacing
from carbonflows_fast.classification import membership_note
from carbonflows_fast.cli._streams import printable, say, width
from carbonflows_fast.errors import InputError, StoreError, wrong

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "check_out",
    "columns",
    "facts_of",
    "households_in",
    "measured",
    "number",
    "numbers",
    "pairs",
    "percent",
    "save",
    "say",
    "say_memberships",
    "share_of",
    "show_accounts",
    "with_unit",
    "write_out",
    "years_of",
]

SHOWN = 12  # labels that `info` lists
FORMATS = (".csv", ".parquet", ".json")


# --- what is selected -----------------------------------------------------------------------


def pairs(texts: list[str] | None, bare: Sequence[str]) -> Any:
    """Turn 'NAME', 'REGION:LABEL', 'REGION:' and ':LABEL' into what the library selects by.

    A text that is one of the `bare` names is that name, whatever colons it has; a blank after the
    colon is ours, as paths are printed so.

    >>> pairs(["DE", "DE: steel", ":coal", "a:b"], ["a:b"])
    ['DE', ('DE', 'steel'), (None, 'coal'), 'a:b']
    """
    if texts is None:
        return None
    selected: list[Any] = []
    for text in texts:
        region, colon, label = text.partition(":")
        if text in bare or not colon:
            selected.append(text)
        else:
            selected.append((region.strip() or None, label.removeprefix(" ") or None))
    return selected


def years_of(text: str | None) -> Any:
    """Read "1995:2022", both included, or "1995,2000"."""
    if text is None:
        return None
    try:
        if ":" in text:
            first, last = (int(part) if part else None for part in text.split(":"))
            if first is not None and last is not None and first > last:
                raise ValueError
            return slice(first, last)
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError(
            wrong("--years", expected="FIRST:LAST, the earlier year first, or a list with commas",
                  got=repr(text),
                  remedy="e.g. --years 1995:2022")
        ) from None  # fmt: skip


def say_memberships(names: Sequence[Any], year: int | None) -> None:
    """Say whose membership each group of countries is, where that of the table's year differs."""
    for name in dict.fromkeys(names):
        note = membership_note(name, year)
        if note:
            say(f"{name}: {note}")


# --- text -----------------------------------------------------------------------------------


def percent(share: float, *, signed: bool = False) -> str:
    """Return a share as text.

    >>> percent(0.2331, signed=True), percent(0.239), percent(float("nan")), percent(-1e-9)
    ('+23.3 %', '23.9 %', '-', '0.0 %')
    """
    if not math.isfinite(share):
        return "-"
    share = round(100 * share, 1) + 0.0  # adding 0.0 turns a rounded −0 into 0
    return f"{share:{'+' if signed else ''}.1f} %"


def share_of(part: float, parts: Iterable[float]) -> float:
    """Return a part over the sizes of all parts: where these have one sign, over their sum.

    >>> share_of(1.0, [1.0, 3.0]), share_of(5.0, [5.0, -4.0]) < 1, share_of(0.0, [0.0])
    (0.25, True, nan)
    """
    gross = sum(abs(float(one)) for one in parts)
    return part / gross if gross else math.nan


def numbers(values: Iterable[float]) -> list[str]:
    """Return numbers as text, with as many decimals as give the largest five digits.

    >>> numbers([1234567.8, 3.21]), numbers([12.3456, -0.5])
    (['1,234,568', '3'], ['12.346', '-0.500'])
    """
    given = [float(value) for value in values]
    sizes = [abs(value) for value in given if math.isfinite(value)]
    largest = max(sizes, default=0.0)
    if largest >= 1e15 or 0 < largest < 1e-4:
        return [f"{value:.4e}" if math.isfinite(value) else "-" for value in given]
    decimals = 0 if largest == 0 else min(max(4 - math.floor(math.log10(largest)), 0), 8)
    # Adding 0.0 turns a rounded −0 into 0.
    return [
        f"{round(value, decimals) + 0.0:,.{decimals}f}" if math.isfinite(value) else "-"
        for value in given
    ]


def number(value: float) -> str:
    """Return one number as text.

    >>> number(31.5)
    '31.500'
    """
    return numbers([value])[0]


def with_unit(value: float, unit: str) -> str:
    """Return one number as text, with its unit if it has one."""
    return f"{number(value)} {unit}".rstrip()


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


# --- results --------------------------------------------------------------------------------


def households_in(own: Any, kept: str, *, selected: bool) -> str:
    """Return what is said where households emit, or that there is no such thing.

    >>> households_in([0.0, 0.0], "households' own included", selected=False)
    'the table has no emissions of households'
    """
    if any(own):
        return kept
    return f"{'this final demand' if selected else 'the table'} has no emissions of households"


def show_accounts(frame: Any, largest: int | None = None, *, selected: bool = False) -> None:
    """Print national accounts, all or the largest by production, and their sum.

    `selected`: of a part of the final demand.
    """
    unit = frame.attrs["unit"]
    amounts = ["production", "consumption", "imports", "exports", "net_imports"]
    shown = frame
    if largest is not None and largest < len(frame):
        shown = frame.sort_values("production", ascending=False, kind="stable").head(largest)
    total = frame[amounts].sum()
    total["net_imports"] = total["consumption"] - total["production"]
    texts = {
        name: numbers([*shown[name], total[name]])
        for name in amounts  # decimals are chosen column by column
    }
    shares = [percent(share, signed=True) for share in shown["net_share"]]
    names = [str(region) for region in shown.index]
    body = [
        [name, *(texts[amount][at] for amount in amounts), share]
        for at, (name, share) in enumerate(
            zip([*names, f"all {len(frame)}"], [*shares, ""], strict=True)
        )
    ]
    heads = ["region", *(name.replace("_", " ") for name in amounts), "net share"]
    say(columns(heads, body))
    households = households_in(
        frame["households"], "production and consumption include households' own emissions",
        selected=selected,
    )  # fmt: skip
    say(f"in {unit or '(no unit)'}; {households}")
    lost = float(frame["unallocated"].sum()) if "unallocated" in frame else 0.0
    if abs(lost) > frame.attrs["error_bound"]:
        say(f"unallocated (no final demand accounts for it): {with_unit(lost, unit)}")
    say(f"certified: no account is wrong by more than {frame.attrs['error_bound']:.1e} {unit}")


# --- tables ---------------------------------------------------------------------------------


def facts_of(table: Table) -> list[tuple[str, str]]:
    """Return what can be said of a table without touching its matrix."""
    parts = table._parts
    facts = [
        ("table", table.name or "(no name)"),
        ("year", "(none)" if table.year is None else str(table.year)),
        ("regions", _some(table.regions)),
        ("sectors", _some(parts.sectors)),
        ("rows", f"{table.n:,}, in {', '.join(parts.row_units) or '(no unit)'}"),
        ("final demand", f"{len(parts.demand_codes):,} columns: {_some(table.categories)}"),
        (
            "stressors",
            _some([f"{n} ({u})" for n, u in zip(table.stressors, parts.stressor_units)]),
        ),
        ("extensions", _some(list(dict.fromkeys(table.extensions)))),
        ("matrix", f"{parts.kind}, {type(parts.matrix).__name__}"),
    ]
    if len(parts.row_units) == 1:
        unit = parts.row_units[0]
        facts.append(("output", f"{number(table.x.sum())} {unit}".rstrip()))
        facts.append(("final demand, all", f"{number(parts.Y.sum())} {unit}".rstrip()))
    if parts.population is not None:
        facts.append(("population", number(float(table.population.sum()))))
    return facts


def _some(items: Sequence[str]) -> str:
    # Not a comma: names hold commas themselves.
    return f"{len(items)}: {'; '.join(items[:SHOWN])}{'; …' if len(items) > SHOWN else ''}"


def save(table: Table, destination: Path) -> None:
    """Save a table, and say where and how large it is."""
    from carbonflows_fast import store

    try:
        path = store.save(table, destination)
    except StoreError as error:
        raise StoreError(f"DESTINATION{str(error).removeprefix('path')}") from error
    size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    say(repr(table))
    say(f"saved: {path} ({size / 1e6:,.1f} MB)")


# --- files ----------------------------------------------------------------------------------


def path_of(text: str) -> Path:
    """Read an argument that is a path; one of nothing would be the folder that one is in."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return Path(text)


def measured(frame: Any, attrs: Mapping[Any, Any]) -> Any:
    """Return a frame with its stressor and unit as columns, the last ones."""
    names = [name for name in ("stressor", "unit") if name not in frame]
    return frame.assign(**{name: str(attrs.get(name, "")) for name in names})


def check_out(path: Path | None, option: str = "--out") -> None:
    """Refuse a file that could not be written, before anything is computed for it.

    Raises
    ------
    InputError
        If the extension is unknown, the folder does not exist, or the path is a folder.
    """
    if path is None:
        return
    check_place(path, option)
    if path.suffix.lower() not in FORMATS:
        raise InputError(
            wrong(
                option,
                expected=f"a file name that ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
                got=repr(str(path)),
                remedy="the extension says how to write it",
            )
        )


def write_out(frame: Any, path: Path | None, option: str = "--out") -> None:
    """Write the columns of a DataFrame (its index left out) as CSV, Parquet or JSON.

    As `writing` does, with nothing to wait for.
    """
    with writing(frame, path, option):
        pass


@contextmanager
def writing(frame: Any, path: Path | None, option: str = "--out") -> Iterator[None]:
    """Write a DataFrame, and give the file its name once what is done meanwhile went well.

    The file appears complete or not at all. JSON is a list with an object per row; numbers keep
    all digits; NaN is an empty cell or null.

    Raises
    ------
    InputError
        If the path cannot be a result, or cannot be written.
    """
    if path is None:
        yield
        return
    check_out(path, option)
    with replacing(path, option) as fresh:
        _write(frame, fresh, path.suffix.lower())
        yield
    say(f"written: {path}")


def _write(frame: Any, path: Path, extension: str) -> None:
    if extension == ".csv":
        frame.to_csv(path, index=False, lineterminator="\n")
    elif extension == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        rows = [
            {name: _plain(value) for name, value in row.items()}
            for row in frame.to_dict(orient="records")
        ]
        text = json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """Return what JSON has for a value: null for NaN and infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
