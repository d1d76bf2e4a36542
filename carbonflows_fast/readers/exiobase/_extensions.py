"""The extensions of a table in the EXIOBASE 3 text layout: emissions of sectors and of users."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_names import (
    find_stressors,
    join_levels,
    stressor_names,
)
from carbonflows_fast.readers._layouts._text import Label, TextTable, check_same_labels, show
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.exiobase._file_parameters import FileParameters
from carbonflows_fast.readers.exiobase._files import read_numbers, read_unit_column

__all__ = ["Emissions", "ExtensionFiles", "extension_files", "read_emissions", "rows_of"]

logger = logging.getLogger(__name__)

Kind = Literal["F", "S"]

# As EXIOBASE called it before 3.8, and pymrio before 0.4.
DEMAND_KEYS = ("F_Y", "F_hh", "FY")


@dataclass(frozen=True)
class Emissions:
    """The stressors of all extensions, or of those that were wanted.

    k stressors: `values` (k, n), `F_Y` (k, m) or None, and k of everything else.
    """

    kind: Kind
    values: FloatArray
    F_Y: FloatArray | None
    names: tuple[str, ...]
    extensions: tuple[str, ...]
    units: tuple[str, ...]


@dataclass(frozen=True)
class ExtensionFiles:
    """The files of one extension, by their names in the table's folder."""

    extension: str
    parameters: FileParameters
    kind: Kind
    main: str
    demand: str | None
    demand_key: str
    unit: str | None

    @property
    def names(self) -> list[str]:
        """All files that are going to be read."""
        return [name for name in (self.main, self.demand, self.unit) if name]


@dataclass(frozen=True)
class _Extension:
    """What was read of one extension: labels of all rows, numbers of those kept."""

    files: ExtensionFiles
    main: TextTable
    F_Y: FloatArray | None
    units: list[str]

    def bare(self) -> list[str]:
        return [join_levels(label) for label in self.main.rows]


def extension_files(folder: Files) -> list[ExtensionFiles]:
    """Find the extensions: every sub-folder with F, or with S if none has F.

    Raises
    ------
    FormatError
        If some have F and others S only, or a listed file is missing, or one is misnamed.
    """
    found: list[ExtensionFiles] = []
    for name in folder.folders():
        parameters = FileParameters.read(folder, f"{name}/")
        F = parameters.find("F")
        S = None if F else parameters.find("S")
        if not (F or S):
            parameters.refuse_misnamed("F", "S")
            continue
        for key in DEMAND_KEYS:
            if demand := parameters.find(key):
                break
        else:
            parameters.refuse_misnamed("F_Y")
        unit = parameters.find("unit")
        if unit is None:
            parameters.refuse_misnamed("unit")
        kind: Kind = "F" if F else "S"
        found.append(ExtensionFiles(name, parameters, kind, F or S or "", demand, key, unit))
    without = [files.extension for files in found if files.kind == "S"]
    if without and len(without) < len(found):
        raise FormatError.about(
            folder.where(f"{without[0]}/F.txt"),
            expected="F.txt in every extension, or S.txt alone in every one",
            got=f"S.txt alone in {shorten(without)}",
            remedy="add F.txt (F = S x̂), or take the folder out of the table",
        )
    return found


def read_emissions(
    folder: Files,
    extensions: Sequence[ExtensionFiles],
    sectors: Sequence[Label],
    demand: Sequence[Label],
    wanted: Sequence[str] | None,
) -> Emissions:
    """Read the extensions of a table.

    Parameters
    ----------
    folder : Files
    extensions : sequence of ExtensionFiles
    sectors, demand : sequences of Label
        The column labels of Z (n) and of Y (m), which those of F and F_Y must equal.
    wanted : sequence of str, optional
        Names of the stressors to read; the numbers of others are not parsed.

    Raises
    ------
    FormatError
        As in `read_exiobase`.
    LabelError
        If a wanted stressor does not exist.
    """
    read = [_read_extension(folder, files, sectors, demand, wanted) for files in extensions]
    _warn_of_no_F_Y(folder, read)
    bare = [name for extension in read for name in extension.bare()]
    homes = [extension.files.extension for extension in read for _ in extension.main.rows]
    names = stressor_names(bare, homes)
    units = [unit for extension in read for unit in extension.units]
    chosen = range(len(names)) if wanted is None else find_stressors(wanted, bare, names)

    # Rows that were parsed may be more than those chosen: one name in two extensions.
    starts = np.cumsum([0, *(len(extension.main.rows) for extension in read)]).tolist()
    parsed = [
        start + at
        for start, extension in zip(starts, read, strict=False)
        for at in extension.main.kept
    ]
    position = {row: at for at, row in enumerate(parsed)}
    rows = [position[at] for at in chosen]
    values = _joined([extension.main.values for extension in read], len(sectors))
    return Emissions(
        kind=extensions[0].kind if extensions else "F",
        values=rows_of(values, rows),
        F_Y=_demand_rows(read, rows, len(demand)),
        names=tuple(names[at] for at in chosen),
        extensions=tuple(homes[at] for at in chosen),
        units=tuple(units[at] for at in chosen),
    )


def _warn_of_no_F_Y(folder: Files, read: Sequence[_Extension]) -> None:
    without = [one.files.extension for one in read if one.F_Y is None and one.main.kept]
    if without and any(one.F_Y is not None for one in read):
        logger.warning(
            "%s: no F_Y in %d of %d extensions; final users' own emissions count as zero in %s",
            folder.where(""),
            len(without),
            len(read),
            shorten(without),
        )


def rows_of(values: FloatArray, rows: list[int]) -> FloatArray:
    """Return these rows, without a copy where they are all of them."""
    return values if rows == list(range(len(values))) else values[rows]


def _joined(blocks: list[FloatArray], width: int) -> FloatArray:
    """Return blocks below each other, without a copy where there is one."""
    return blocks[0] if len(blocks) == 1 else np.concatenate([np.zeros((0, width)), *blocks])


def _demand_rows(read: Sequence[_Extension], rows: list[int], m: int) -> FloatArray | None:
    """Return F_Y, zero for the extensions that have none, None if no extension has it."""
    if all(extension.F_Y is None for extension in read):
        return None
    blocks = [
        np.zeros((len(extension.main.kept), m)) if extension.F_Y is None else extension.F_Y
        for extension in read
    ]
    return rows_of(_joined(blocks, m), rows)


def _read_extension(
    folder: Files,
    files: ExtensionFiles,
    sectors: Sequence[Label],
    demand: Sequence[Label],
    wanted: Sequence[str] | None,
) -> _Extension:
    keep = _keeper(files.extension, wanted)
    label_columns, header_lines = files.parameters.shape(files.kind)
    main = read_numbers(
        folder,
        files.main,
        label_columns=label_columns,
        header_lines=header_lines,
        keep=keep,
        gaps=True,
    )
    check_same_labels(f"{main.where}, columns", main.columns, "the rows of the table", sectors)
    _check_once(main)
    F_Y = None
    if files.demand is not None:
        F_Y = _read_F_Y(folder, files, main, demand, keep)
    return _Extension(files, main, F_Y, _read_stressor_units(folder, files, main))


def _keeper(extension: str, wanted: Sequence[str] | None) -> Callable[[Label], bool] | None:
    """Return whether a row may be wanted; whether its name clashes is known only later."""
    if wanted is None:
        return None
    names = frozenset(wanted)

    def keep(label: Label) -> bool:
        name = join_levels(label)
        return name in names or f"{extension}: {name}" in names

    return keep


def _check_once(main: TextTable) -> None:
    """Raise if a stressor that is read occurs twice."""
    first: dict[str, int] = {}
    for at in main.kept:
        name = join_levels(main.rows[at])
        if name in first:
            raise FormatError.about(
                main.place(at),
                expected="every stressor once in an extension",
                got=f"{name!r} again, first in {main.step} {main.lines[first[name]]}",
                remedy="rename or add up the rows, or read others with stressors=[…]",
                typed="rename or add up the rows, or read others with --stressor …",
            )
        first[name] = at


def _read_F_Y(
    folder: Files,
    files: ExtensionFiles,
    main: TextTable,
    demand: Sequence[Label],
    keep: Callable[[Label], bool] | None,
) -> FloatArray:
    """Read F_Y; it may leave out stressors that final users do not emit."""
    label_columns, header_lines = files.parameters.shape(files.demand_key)
    F_Y = read_numbers(
        folder,
        files.demand or "",
        label_columns=label_columns,
        header_lines=header_lines,
        keep=keep,
        gaps=True,
        most_rows=len(main.rows),
    )
    check_same_labels(f"{F_Y.where}, columns", F_Y.columns, "the columns of Y", demand)
    kept = [main.rows[at] for at in main.kept]
    here = [F_Y.rows[at] for at in F_Y.kept]
    if here == kept:
        values: FloatArray = F_Y.values
        return values
    present = set(here)
    check_same_labels(
        f"{F_Y.where}, rows",
        here,
        f"the rows of {main.where}",
        [label for label in kept if label in present],
    )
    missing = [show(label) for label in kept if label not in present]
    logger.warning(
        "%s: %d of %d stressors are missing and count as zero: %s",
        F_Y.where,
        len(missing),
        len(kept),
        shorten(missing),
    )
    complete = np.zeros((len(kept), len(demand)))
    complete[[at for at, label in enumerate(kept) if label in present]] = F_Y.values
    return complete


def _read_stressor_units(folder: Files, files: ExtensionFiles, main: TextTable) -> list[str]:
    if files.unit is None:
        where = folder.where(files.parameters.prefix)
        logger.warning("%s: no unit.txt; the units of stressors are unknown", where)
        return [""] * len(main.rows)
    width = len(main.rows[0]) if main.rows else 1
    labels, units = read_unit_column(folder, files.unit, width)
    check_same_labels(
        f"{folder.where(files.unit)}, rows", labels, f"the rows of {main.where}", main.rows
    )
    return units
