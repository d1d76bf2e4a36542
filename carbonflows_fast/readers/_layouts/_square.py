"""Tables in one labelled matrix: transactions, final demand at the right, primary inputs below."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import PRIMARY_INPUTS
from carbonflows_fast.readers._into_table._stressor_names import find_stressors
from carbonflows_fast.readers._layouts._number_parser import Label, show
from carbonflows_fast.readers._layouts._text import TextTable, read_matrix
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.table import Table

__all__ = ["Square", "read_square", "region_and_sector", "square_table", "taken_apart"]


@dataclass(frozen=True)
class Square:
    """The parts of such a matrix.

    Attributes
    ----------
    where : str
        The file, for messages.
    sectors : list of Label
        Of the n rows that are columns too, in the order of the rows.
    Z : csr_array, shape (n, n)
    demand : list of Label
        Of the m columns right of the transactions that are no totals.
    Y : ndarray, shape (n, m)
    inputs : list of Label
        Of the p rows below the transactions that are no totals.
    F, F_Y : ndarray, shape (p, n) and (p, m)
    totals : dict of Label to ndarray, shape (n,)
        Rows of totals.
    """

    where: str
    sectors: list[Label]
    Z: Any
    demand: list[Label]
    Y: FloatArray
    inputs: list[Label]
    F: FloatArray
    F_Y: FloatArray
    totals: dict[Label, FloatArray]


def read_square(
    files: Files,
    table: Candidate,
    *,
    delimiter: str,
    totals: Container[str],
    corner: bool,
    progress: bool | None,
) -> Square:
    """Read such a matrix, with one header line and one label column, and take it apart.

    A sector is what is a row and a column, and no total. Empty cells are refused, or zero if
    `files.blanks` says so; with `corner`, those of primary inputs of final demand are always zero,
    as their publisher leaves them free.

    Raises
    ------
    FormatError
        If the file is damaged, a label occurs twice, there is no sector, or rows and columns
        differ in order.
    """
    with reading(files, [table.name], progress, title=table.name) as counted:
        text = read_matrix(
            counted,
            table.name,
            label_columns=1,
            header_lines=1,
            delimiter=delimiter,
            sparse=True,
            corner=corner,
        )
    return taken_apart(text, lambda label: label[0] in totals)


def taken_apart(text: TextTable, is_total: Callable[[Label], bool]) -> Square:
    for what, labels in (("row", text.rows), ("column", text.columns)):
        if len(set(labels)) != len(labels):
            twice = next(label for label in labels if labels.count(label) > 1)
            raise FormatError.about(
                f"{text.where}, {what} {show(twice)}",
                expected=f"every {what} once",
                got=f"{labels.count(twice)}",
                remedy="restore the file",
            )
    both = {label for label in set(text.columns) & set(text.rows) if not is_total(label)}
    rows = _places(text.rows, both.__contains__)
    columns = _places(text.columns, both.__contains__)
    sectors = [text.rows[at] for at in rows]
    if not sectors or sectors != [text.columns[at] for at in columns]:
        got = [show(label) for label in sectors] or ["none"]
        raise FormatError.about(
            text.where,
            expected="the same sectors as rows and as columns, in one order",
            got=f"{len(sectors)} that are both: {shorten(got)}",
            remedy="the file is cut short or no such table: restore it",
        )
    below = _places(text.rows, lambda label: label not in both)
    right = _places(text.columns, lambda label: label not in both)
    totals = [at for at in below if is_total(text.rows[at])]
    inputs = [at for at in below if not is_total(text.rows[at])]
    demand = [at for at in right if not is_total(text.columns[at])]
    body = text.values[rows]
    foot = text.values[inputs]
    return Square(
        where=text.where,
        sectors=sectors,
        Z=body[:, columns],
        demand=[text.columns[at] for at in demand],
        Y=body[:, demand].toarray(),
        inputs=[text.rows[at] for at in inputs],
        F=foot[:, columns].toarray(),
        F_Y=foot[:, demand].toarray(),
        totals={text.rows[at]: text.values[[at]][:, columns].toarray()[0] for at in totals},
    )


def region_and_sector(where: str, label: Label) -> tuple[str, str]:
    """Split REGION_SECTOR at the first underscore: sectors have some themselves.

    Raises
    ------
    FormatError
        If there is none.
    """
    region, underscore, sector = label[0].partition("_")
    if not (region and underscore and sector):
        raise FormatError.about(
            f"{where}, label {label[0]!r}",
            expected="REGION_SECTOR",
            got=repr(label[0]),
            remedy="correct the label",
        )
    return region, sector


def square_table(
    parts: Square,
    demand: Sequence[tuple[str, str] | None],
    *,
    x: FloatArray | None,
    stressors: Sequence[str] | None,
    unit: str,
    year: int | None,
    name: str,
    accounts: Sequence[str] = (),
    wholes: Mapping[str, str] = MappingProxyType({}),
) -> Table:
    """Make a table: primary inputs are its stressors, since these files have no emissions.

    Parameters
    ----------
    parts : Square
    demand : sequence of (region, category) or None
        Of each column of Y; None: it is left out.
    x : array, shape (n,), optional
    stressors : sequence of str, optional
        Those that are wanted.
    unit : str
        Of everything.
    accounts : sequence of str
        Stressors that exist too, in files of their own, and are not added here.
    wholes : mapping
        The region that a part of one belongs to: its rows stay apart, under the whole's label.

    Raises
    ------
    FormatError
        If labels are wrong, among them a sector that is a row or a column alone.
    LabelError
        If a wanted stressor does not exist.
    """
    pairs = [region_and_sector(parts.where, label) for label in parts.sectors]
    sectors = {sector for _, sector in pairs}
    for label in (*parts.demand, *parts.inputs):
        if label[0].partition("_")[2] in sectors:
            raise FormatError.about(
                f"{parts.where}, label {label[0]!r}",
                expected="sectors as rows and as columns",
                got="a row or a column alone",
                remedy="correct the other label",
            )
    names = [label[0] for label in parts.inputs]
    chosen = list(range(len(names)))
    if stressors is not None:
        known = [*names, *accounts]
        chosen = [at for at in find_stressors(stressors, known, known) if at < len(names)]
    kept = [at for at, pair in enumerate(demand) if pair is not None]
    return table_from(
        parts.where,
        Z=parts.Z,
        x=x,
        Y=parts.Y[:, kept],
        F=parts.F[chosen],
        F_Y=parts.F_Y[chosen][:, kept],
        regions=[wholes.get(region, region) for region, _ in pairs],
        sectors=[sector for _, sector in pairs],
        demand=[demand[at] for at in kept],
        stressors=[names[at] for at in chosen],
        extensions=PRIMARY_INPUTS,
        stressor_units=unit,
        row_units=unit,
        year=year,
        name=name,
    )


def _places(labels: Sequence[Label], wanted: Callable[[Label], bool]) -> Any:
    return np.array([at for at, label in enumerate(labels) if wanted(label)], dtype=np.intp)
