"""Results as files: CSV, Parquet, JSON or a workbook of Excel by extension, and pictures."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.files import check_place, replacing
from carbonflows_fast._base.workbook import check_workbook, write_workbook
from carbonflows_fast.cli._streams import say
from carbonflows_fast.errors import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "FORMATS",
    "add_figure",
    "check_figure",
    "check_out",
    "draw",
    "path_of",
    "write_out",
    "writing",
]

FORMATS = (".csv", ".parquet", ".json", ".xlsx")
FIGURES = (".svg", ".png", ".pdf")
DOTS = 200  # an inch, of a .png


def path_of(text: str) -> Path:
    """Read an argument that is a path; one of nothing would be the folder that one is in."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return Path(text)


def check_out(path: Path | None, option: str = "--out") -> None:
    """Refuse a file that could not be written, before anything is computed for it.

    Raises
    ------
    InputError
        If the extension is unknown, the folder does not exist, or the path is a folder; if it is
        .xlsx and openpyxl is not installed.
    """
    if path is None:
        return
    check_place(path, option)
    if path.suffix.lower() not in FORMATS:
        raise InputError.about(
            option,
            expected=f"a file name that ends in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
            got=repr(str(path)),
            remedy="the extension says how to write it",
        )
    if path.suffix.lower() == ".xlsx":
        check_workbook(path, option)


def write_out(frame: Any, path: Path | None, option: str = "--out") -> None:
    """Write the columns of a DataFrame (its index left out) as CSV, Parquet, JSON or .xlsx.

    As `writing` does, with nothing to wait for.
    """
    with writing(frame, path, option):
        pass


@contextmanager
def writing(frame: Any, path: Path | None, option: str = "--out") -> Iterator[None]:
    """Write a DataFrame, and give the file its name once what is done meanwhile went well.

    The file appears complete or not at all. JSON is a list with an object per row; numbers keep
    all digits, in .xlsx 16; NaN is an empty cell or null.

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
    elif extension == ".xlsx":
        write_workbook({"result": frame}, path)
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


# --- pictures -------------------------------------------------------------------------------


def add_figure(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --figure."""
    parser.add_argument(
        "--figure",
        metavar="FILE",
        type=path_of,
        help=f"draw {what} as .svg, .png or .pdf (needs matplotlib)",
    )


def check_figure(path: Path | None) -> None:
    """Refuse a figure that could not be drawn, before anything is computed for it.

    Raises
    ------
    InputError
    """
    if path is None:
        return
    check_place(path, "--figure")
    if path.suffix.lower() not in FIGURES:
        raise InputError.about(
            "--figure",
            expected=f"a file name that ends in {', '.join(FIGURES[:-1])} or {FIGURES[-1]}",
            got=repr(str(path)),
            remedy="the extension says how to draw it",
        )
    from carbonflows_fast.figures._frame import require_matplotlib

    require_matplotlib()


def draw(drawing: Callable[[], Axes], path: Path | None) -> None:
    """Write what a function of `carbonflows_fast.figures` draws."""
    if path is None:
        return
    from carbonflows_fast.figures._frame import on_page

    with on_page(), replacing(path, "--figure") as fresh:
        drawing().figure.figure.savefig(fresh, dpi=DOTS)
    say(f"written: {path}")
