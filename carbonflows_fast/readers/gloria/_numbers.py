"""The numbers of GLORIA: files without labels, split by position."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._number_files import labelled_rows, read_block
from carbonflows_fast.readers._layouts._number_parser import Label, Numbers, show
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.gloria._labels import Labels

__all__ = [
    "UNIT",
    "Transactions",
    "check_size",
    "empty",
    "read_rows",
    "read_transactions",
    "shares",
]

logger = logging.getLogger(__name__)

UNIT = "thousand USD"
COMMA = ","
# Bytes per cell of T above which the use table is held dense, which is smaller if two thirds of the
# cells are not zero. A zero takes two bytes; the published 6.2 GB are four, so few cells are zero.
FULL_BYTES = 3


class Transactions(NamedTuple):
    """The two parts of T that are not empty; n = R S."""

    supply: Any  # csr_array (n, n): industry × product
    use: Any  # ndarray or csr_array (n, n): product × industry


def check_size(files: Files, name: str, rows: int, columns: int, read_me: str) -> None:
    """Refuse a file that is too short for its cells, before it is read.

    Raises
    ------
    FormatError
    """
    if files.sizes[name] + 1 < rows * columns:
        raise FormatError.about(
            files.where(name),
            got=f"a file of {files.sizes[name]} bytes",
            expected=f"{rows} rows × {columns} columns, by {read_me}",
            remedy="the file is cut short, or the ReadMe belongs to another release",
        )


def read_transactions(files: Files, name: str, labels: Labels) -> Transactions:
    """Read supply and use, and see that nothing else is there.

    Raises
    ------
    FormatError
        If the file is damaged, its shape is not the ReadMe's, or industries buy from industries
        or products from products.
    """
    where, cells, is_industry = files.where(name), labels.cells, labels.is_industry
    blanks = files.blanks
    full = files.sizes[name] > FULL_BYTES * len(cells) ** 2
    with (
        Numbers(where, cells, COMMA, sparse=True, blanks=blanks) as made,
        Numbers(where, cells, COMMA, wanted=is_industry, sparse=not full, blanks=blanks) as use,
        Numbers(where, cells, COMMA, wanted=~is_industry, sparse=True, blanks=blanks) as between,
    ):
        rows = labelled_rows(files, name, cells, len(cells), by=labels.where, delimiter=COMMA)
        for row, makes in zip(rows, is_industry, strict=True):
            if makes:
                made.add(row)
            else:
                use.add(row)
                between.add(row)  # zeros, which are cheap to look at twice
        supply = made.result()[0]
        for part, positions in (
            (supply[:, labels.industries], labels.industries),
            (between.result()[0], labels.products),
        ):
            empty(where, part, labels.at(positions), labels.at(positions))
        return Transactions(supply[:, labels.products], use.result()[0])


def read_rows(
    files: Files,
    name: str,
    rows: Sequence[Label],
    columns: Sequence[Label],
    labels: Labels,
    keep: Collection[int] | None = None,
) -> Any:
    """Read the rows at the positions in `keep` (None: all) as a csr_array, as `read_block`."""
    return read_block(
        files, name, rows, columns, by=labels.where, delimiter=COMMA, keep=keep, sparse=True
    )


def empty(where: str, part: Any, rows: Sequence[Label], columns: Sequence[Label]) -> None:
    """Refuse numbers in a part of a file that has none in GLORIA's layout: they would be lost.

    Raises
    ------
    FormatError
        Naming the first of them, and their sum.
    """
    if part.nnz:
        found = part.tocoo()
        row, column = int(found.coords[0][0]), int(found.coords[1][0])
        raise FormatError.about(
            f"{where}, row {show(rows[row])}, column {show(columns[column])}",
            expected="zero, as in all supply-use tables of GLORIA",
            got=f"{found.data[0]:.6g}, one of {part.nnz} numbers in such places with a sum "
            f"of {np.abs(found.data).sum():.6g}",
            remedy="this reader does not know such a layout, and leaves nothing out",
        )


def shares(where: str, supply: Any, labels: Labels) -> Any | None:
    """Return T = ĝ⁻¹ V, what share of an industry's output g each product is; None: its own alone.

    The industry-technology assumption (Eurostat Manual of Supply, Use and Input-Output Tables,
    2008, model B): to make a product takes what the industries take that make it, in proportion.
    Then Z = U T, F = F_industry T, and rows and columns are products. An industry without output
    counts as the maker of its own product, so that what it uses is not lost.

    Parameters
    ----------
    where : str
        The file, for messages.
    supply : csr_array, shape (n, n)
        V, industry × product.
    labels : Labels

    Raises
    ------
    FormatError
        If an industry makes several products, and its output is not positive.
    """
    own = sp.diags_array(supply.diagonal(), format="csr")
    others = abs(supply - own)
    size, whole = float(others.sum()), float(abs(supply).sum())
    if not size:
        return None
    logger.warning(
        "%s: %.6g %s (%.3g %% of supply) are products of other industries; what they take is "
        "found by the industry-technology assumption",
        where,
        size,
        UNIT,
        100 * size / whole,
    )
    output: FloatArray = supply.sum(axis=1)
    bad = np.flatnonzero((others.sum(axis=1) > 0) & (output <= 0))
    if bad.size:
        name = labels.cells[labels.industries[bad[0]]]
        raise FormatError.about(
            f"{where}, row {show(name)}",
            expected="a positive output of an industry with several products",
            got=f"{output[bad[0]]:.6g}",
            remedy="restore the file",
        )
    idle = output == 0
    divided = sp.diags_array(1.0 / np.where(idle, 1.0, output)) @ supply
    return (divided + sp.diags_array(idle.astype(float))).tocsr()
