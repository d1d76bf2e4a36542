"""pymrio's `calc_all` without the inverse: M, M_down and the D accounts of a whole IOSystem.

Products and quotients of two frames are left to pymrio's own functions, so that they are those of
the installed version. Results that pymrio takes from L or G are solved instead, for all
extensions together; nothing of size n × n is made but the Z, A and B that pymrio makes as well.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting import Footprints
from carbonflows_fast.accounting._solves import (
    BLOCK,
    OF_FOOTPRINTS,
    most_accurate,
    solve_certified,
)
from carbonflows_fast.accounting._stressor_block import StressorBlock
from carbonflows_fast.accounting._weights import positive_output
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._of_table import release_dense
from carbonflows_fast.pymrio_bridge._frames import (
    as_before_if_refused,
    check_system,
    demand_level,
    put_in_order,
)
from carbonflows_fast.table import Table

__all__ = ["calc_all"]

logger = logging.getLogger(__name__)

NO_INVERSE = "%s not calculated: carbonflows_fast.calc_all solves, and forms no inverse"
# Filled together, as in pymrio; D_imp first, because it computes M on the way, without its proof.
D_ACCOUNTS = ("D_imp", "D_cba", "D_pba", "D_exp")


def calc_all(io: Any, include_ghosh: bool = False) -> Any:
    """Fill in what pymrio's `calc_all` fills in, except L (and G).

    With L = (I − A)⁻¹ and, for M_down, G = (I − B)⁻¹, B = x̂⁻¹Z:

    - x, Z and A, from Z and Y, A and x, or A and Y; B if asked for;
    - of every extension F, S, F_Y and S_Y; M = S L; M_down = S (G' − I) if asked for;
    - D_cba, D_pba, D_imp and D_exp as in `Footprints`, over all final demand; their sums by region
      (`_reg`, F_Y in the first two) and, where population is known, per head (`_cap`).

    Parameters
    ----------
    io : pymrio.IOSystem
        Z or A; Y; any number of extensions with F or S. Existing results are kept, as in pymrio (D
        accounts are made again if one of the four is missing).
    include_ghosh : bool
        Fill in B and M_down too.

    Returns
    -------
    pymrio.IOSystem
        The same object, changed in place. **L and G stay None** (or keep their values). If you need
        L, ask pymrio: `io.L = pymrio.calc_L(io.A)`.

    Raises
    ------
    InputError
        If this is no IOSystem; if there is neither Z nor A, or no Y, or an extension has neither F
        nor S; if a number is text, missing or infinite.
    LabelError
        If frames that belong together have other labels, or one of them twice; if population lacks
        a region.
    NotProductiveError, ConvergenceError
        If (I − A) x = y cannot be solved with a proved error.
    All of these leave `io` unchanged.

    Notes
    -----
    The same labels in a different order are reordered as the rows of Z (or A), the columns of Y and
    the rows of S (or F). Numbers stored as objects, or in a type that NumPy cannot invert, become
    float64. Both happen in place, and are logged.

    Index, columns and units are those of pymrio: F in the unit of the extension; S, M and M_down
    in it per unit of the row. Every solve has a proved relative error of at most 1e-11.

    If Y lacks regions of Z, pymrio 0.7 appends a column of missing numbers to D_imp for each of
    them; here D_imp has the columns of D_cba. A region of Y that Z does not have (a statistical
    discrepancy) is a consumer like any other.

    The numbers are those of pymrio 0.7. In earlier versions, D accounts are wrong if regions differ
    in their sectors or in the order of their rows.

    As a method of every IOSystem: `pymrio.IOSystem.calc_all = cf.calc_all`.

    Examples
    --------
    >>> import pymrio
    >>> io = calc_all(pymrio.load_test())
    >>> io.emissions.D_cba_reg.loc[("emission_type1", "air"), ["reg1", "reg2"]].round(-3)
    region
    reg1    207752000.0
    reg2    115468000.0
    Name: (emission_type1, air), dtype: float64
    >>> io.L is None
    True
    """
    check_system(io)
    with as_before_if_refused(io):
        put_in_order(io)
        _fill(io, include_ghosh)
    said = NO_INVERSE % ("L and G" if include_ghosh else "L")
    logger.info(said)
    io.meta.note(said)
    return io


def _fill(io: Any, include_ghosh: bool) -> None:
    table = _fill_system(io, include_ghosh)
    extensions = _fill_intensities(io)
    lacking = [each for each in extensions if _lacks(each, ("M", *D_ACCOUNTS))]
    if lacking:
        _fill_accounts(io, table, lacking)
    downstream = [each for each in extensions if include_ghosh and _lacks(each, ("M_down",))]
    if downstream:
        _fill_downstream(io, table, downstream)
    release_dense(table)
    io.calc_extensions()  # F_Y and S_Y, and the sums by region and per head of what is there now


def _lacks(extension: Any, names: Sequence[str]) -> bool:
    return any(getattr(extension, name, None) is None for name in names)


# --- what pymrio's own functions make -------------------------------------------------------------


def _fill_system(io: Any, include_ghosh: bool) -> Table:
    """Fill in x, Z, A and B, and return the table that is solved."""
    import pymrio

    table = None
    if io.Z is None and io.x is None:
        table = _table(io)
        io.x = pd.DataFrame({"indout": _accurate_output(table)[: len(io.Y)]}, io.A.index)
    if io.Z is None:
        io.Z = pymrio.calc_Z(io.A, io.x)
    if io.x is None:
        io.x = pymrio.calc_x(io.Z, io.Y)
    x = io.x.to_numpy()
    if (np.signbit(x) & (x == 0)).any():  # of −0, pymrio 0.7 makes NaN in A, B and S
        io.x = io.x + 0.0
    if io.A is None:
        io.A = pymrio.calc_A(io.Z, io.x)
    if include_ghosh and getattr(io, "B", None) is None:
        io.B = pymrio.calc_B(io.Z, io.x)
    return table or _table(io)


def _fill_intensities(io: Any) -> list[Any]:
    """Fill in F or S of every extension, and return them."""
    import pymrio

    extensions = list(io.get_extensions(data=True))
    for extension in extensions:
        if extension.F is None:
            extension.F = pymrio.calc_F(extension.S, io.x)
        if extension.S is None:
            extension.S = pymrio.calc_S(extension.F, io.x)
    return extensions


# --- what is solved -------------------------------------------------------------------------------


def _demand_by_region(Y: pd.DataFrame) -> pd.DataFrame:
    return Y.T.groupby(level=demand_level(Y.columns), sort=False).sum().T


def _table(io: Any) -> Table:
    """Return A, x and final demand by consumer; a consumer without rows gets one, all of zeros."""
    A, x, Y = io.A, io.x, _demand_by_region(io.Y)
    regions = set(A.index.get_level_values(0))
    foreign = [(region, A.index[0][1]) for region in Y.columns if region not in regions]
    if foreign:
        rows = A.index.append(pd.MultiIndex.from_tuples(foreign, names=A.index.names))
        A = A.reindex(index=rows, columns=rows, fill_value=0.0)
        x = None if x is None else x.reindex(rows, fill_value=0.0)
        Y = Y.reindex(rows, fill_value=0.0)
    return Table(
        A=A,
        x=x.iloc[:, 0] if isinstance(x, pd.DataFrame) else x,
        Y=Y,
        demand=[(region, "all") for region in Y.columns],
        F=np.zeros((0, len(A))),
        stressors=[],
    )


def _accurate_output(table: Table) -> FloatArray:
    """Return x of (I − A) x = Y·1 so that small outputs, by which F is divided, are right too."""
    weight = 1.0 / positive_output(table)
    near = table.x.to_numpy()
    y = table.content.Y.sum(axis=1)
    solve = partial(system(table).solve, y, weight=weight, x0=near)
    x: FloatArray = most_accurate(solve, OF_FOOTPRINTS).values
    return x


def _fill_accounts(io: Any, table: Table, extensions: Sequence[Any]) -> None:
    """Fill in M and the D accounts of these extensions, solved together."""
    S = _stacked(extensions, table.n)
    names, units = tuple(map(str, range(len(S)))), ("",) * len(S)
    F_Y = np.zeros((len(S), table.content.Y.shape[1]))
    accounts = Footprints(table, StressorBlock(names=names, units=units, S=S, F_Y=F_Y))
    without_D = [each for each in extensions if _lacks(each, D_ACCOUNTS)]
    without_M = [each for each in extensions if _lacks(each, ("M",))]
    if without_D:
        consumers = _demand_by_region(io.Y).columns
        for name in D_ACCOUNTS:
            values, columns = getattr(accounts, name).to_numpy(), None
            if name in ("D_cba", "D_imp"):
                values, columns = _by_product(values, table, io.Y, consumers)
            _share_out(name, values, columns, extensions, without_D)
    _share_out("M", accounts.M.to_numpy(), io.A.columns, extensions, without_M)


def _fill_downstream(io: Any, table: Table, extensions: Sequence[Any]) -> None:
    """Fill in M_down = S (G' − I) of these extensions, a block of stressors at a time.

    Transposed it solves (I − B) M' = B S', which is (I − A) (x̂ M') = Z S' on the matrix of all
    other accounts, since B = x̂⁻¹A x̂. Rows without output have nobody downstream.
    """
    S = _stacked(extensions, table.n)
    Z, x = io.Z.to_numpy(), table.x.to_numpy()
    output = positive_output(table)
    values = np.empty((len(S), len(Z)))
    for first in range(0, len(S), BLOCK):
        here = slice(first, first + BLOCK)
        sides = np.zeros((table.n, len(S[here])))
        np.matmul(Z, S[here, : len(Z)].T, out=sides[: len(Z)])
        solve = partial(solve_certified, table, sides, by_row=False, weight=1.0 / output)
        found = most_accurate(solve, OF_FOOTPRINTS).values
        values[here] = (found / np.where(x != 0, x, np.inf)[:, None])[: len(Z)].T
    _share_out("M_down", values, io.A.index, extensions, extensions)


def _stacked(extensions: Sequence[Any], n: int) -> FloatArray:
    """Return S of all of them, at least one row; zero for rows that only the table has."""
    k = sum(len(extension.S) for extension in extensions)
    S, first = np.zeros((max(k, 1), n)), 0
    for extension in extensions:
        part = extension.S.to_numpy()
        S[first : first + len(part), : part.shape[1]] = part
        first += len(part)
    return S


def _by_product(
    values: FloatArray, table: Table, Y: pd.DataFrame, consumers: pd.Index
) -> tuple[FloatArray, pd.MultiIndex]:
    """Return columns for the consumers in Y alone, in the order of Y, and their labels."""
    products = Y.index.get_level_values(1).unique()
    code = {region: at for at, region in enumerate(table.regions)}
    at = [code[str(region)] for region in consumers]
    blocks = values.reshape(len(values), len(table.regions), len(products))[:, at]
    names = [*consumers.names, Y.index.names[1]]
    labels = pd.MultiIndex.from_product([consumers, products], names=names)
    return blocks.reshape(len(values), -1), labels


def _share_out(
    name: str,
    values: FloatArray,
    columns: pd.Index | None,
    extensions: Sequence[Any],
    receivers: Sequence[Any],
) -> None:
    """Give each receiver its rows, in the order of the extensions, as arrays of its own.

    Columns None: those of its S.
    """
    first = 0
    for extension in extensions:
        labels = extension.S.columns if columns is None else columns
        part = values[first : first + len(extension.S), : len(labels)]
        first += len(part)
        if any(extension is receiver for receiver in receivers):
            setattr(extension, name, pd.DataFrame(part.copy(), extension.S.index, labels))
