"""pymrio's `calc_all` without the inverse: M, M_down and the D accounts of a whole IOSystem.

What is a product or a quotient of two frames is left to pymrio's own functions, so that it is what
the installed version makes it. What pymrio takes from L or G is solved for instead, for all
extensions together; nothing of size n × n is made but the Z, A and B that pymrio makes as well.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast._account_solves import BLOCK, StressorBlock, positive_output, solved
from carbonflows_fast._footprints import RTOL, Footprints
from carbonflows_fast._numbers import numbers
from carbonflows_fast._parts import FloatArray
from carbonflows_fast.leontief import release_dense, system
from carbonflows_fast.pymrio_bridge import check_index, matrix_and_demand, without_emissions
from carbonflows_fast.readers._assemble import assemble
from carbonflows_fast.table import Table

__all__ = ["calc_all"]

logger = logging.getLogger(__name__)

NO_INVERSE = "%s not calculated: carbonflows_fast.calc_all solves, and forms no inverse"
# Filled together, as in pymrio; D_imp first, for it brings M along, up to its proof.
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
        Z or A; Y; extensions with F or S, any number of them. What is there already is kept, as
        pymrio keeps it (D accounts are made again if one of the four is missing).
    include_ghosh : bool
        Fill in B and M_down too.

    Returns
    -------
    pymrio.IOSystem
        The same object, changed in place. **L and G stay None** (or what they were): to have them,
        ask pymrio: `io.L = pymrio.calc_L(io.A)`.

    Raises
    ------
    InputError
        If there is neither Z nor A, or no Y, or an extension has neither F nor S; if a number is
        missing or infinite.
    LabelError
        If frames that belong together have other labels. The same labels in another order are
        brought into that of the rows of Z (or A), in place, and this is logged.
    NotProductiveError, ConvergenceError
        If (I − A) x = y cannot be solved with a proved error.

    Notes
    -----
    Index, columns and units are those of pymrio: F in the unit of the extension; S, M and M_down
    in it per unit of the row. Every solve has a proved relative error of at most 1e-11.

    Where Y lacks regions of Z, pymrio 0.7 appends a column of missing numbers to D_imp for each of
    them; here D_imp has the columns of D_cba. A region of Y that Z does not have (a statistical
    discrepancy) is a consumer like any other.

    The numbers are those of pymrio 0.7. Before it, pymrio's D accounts were wrong where regions
    differ in their sectors, or their rows in order.

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
    _bring_into_order(io)
    _require_finite(io)  # before anything is filled in that a correction would not change
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
    said = NO_INVERSE % ("L and G" if include_ghosh else "L")
    logger.info(said)
    io.meta.note(said)
    return io


def _lacks(extension: Any, names: Sequence[str]) -> bool:
    return any(getattr(extension, name, None) is None for name in names)


def _bring_into_order(io: Any) -> None:
    """Give all frames the order of the rows: pymrio's functions too go by labels."""
    matrix = io.Z if io.Z is not None else io.A
    if matrix is None:
        return
    for name, axis in (("Z", 1), ("A", 0), ("A", 1), ("Y", 0), ("x", 0)):
        _bring_one(io, "io", name, axis, matrix.index)
    for extension in io.get_extensions():
        for name in ("F", "S"):
            _bring_one(getattr(io, extension), f"io.{extension}", name, 1, matrix.index)


def _bring_one(owner: Any, where: str, name: str, axis: int, labels: pd.Index) -> None:
    frame = getattr(owner, name, None)
    if frame is None or frame.axes[axis].equals(labels):
        return
    given = frame.axes[axis]
    same = given.is_unique and len(given) == len(labels) and given.isin(labels).all()
    if same and labels.is_unique:
        logger.warning("%s.%s: its labels are brought into the order of the rows", where, name)
        setattr(owner, name, frame.reindex(labels, axis=axis))


# --- what pymrio's own functions make -------------------------------------------------------------


def _fill_system(io: Any, include_ghosh: bool) -> Table:
    """Fill in x, Z, A and B, and return the table that is solved."""
    import pymrio

    kind, matrix, Y = matrix_and_demand(io)
    check_index(f"{kind} columns", matrix.columns, f"{kind} index", matrix.index)
    table = None
    if io.Z is None and io.x is None:
        table = _table(io)
        io.x = pd.DataFrame({"indout": _accurate_output(table)[: len(Y)]}, io.A.index)
    if io.Z is None:
        io.Z = pymrio.calc_Z(io.A, io.x)
    if io.x is None:
        io.x = pymrio.calc_x(io.Z, Y)
    if io.A is None:
        io.A = pymrio.calc_A(io.Z, io.x)
    if include_ghosh and getattr(io, "B", None) is None:
        io.B = pymrio.calc_B(io.Z, io.x)
    return table or _table(io)


def _fill_intensities(io: Any) -> list[Any]:
    """Fill in F or S of every extension, and return them."""
    import pymrio

    extensions = {name: getattr(io, name) for name in io.get_extensions()}
    for name, extension in extensions.items():
        kind = "F" if extension.F is not None else "S"
        main = getattr(extension, kind)
        if main is None:
            raise without_emissions(name)
        check_index(f"{name}.{kind}", main.columns, "A", io.A.index)
        if extension.F is None:
            extension.F = pymrio.calc_F(main, io.x)
        if extension.S is None:
            extension.S = pymrio.calc_S(main, io.x)
        check_index(f"{name}.S", extension.S.columns, "A", io.A.index)
    return list(extensions.values())


def _require_finite(io: Any) -> None:
    frames = {name: getattr(io, name) for name in ("Z", "A", "Y", "x")}
    for name in io.get_extensions():
        extension = getattr(io, name)
        frames |= {f"{name}.{part}": getattr(extension, part) for part in ("F", "S", "F_Y")}
    for what, frame in frames.items():
        if frame is not None:
            _finite(what, frame)


def _finite(what: str, frame: pd.DataFrame) -> None:
    axes = [[str(label) for label in axis] for axis in frame.axes]
    numbers(f"io.{what}", frame.to_numpy(), axes)


# --- what is solved -------------------------------------------------------------------------------


def _demand_by_region(Y: pd.DataFrame) -> pd.DataFrame:
    level = "region" if "region" in Y.columns.names else 0
    return Y.T.groupby(level=level, sort=False).sum().T


def _table(io: Any) -> Table:
    """Return A, x and final demand by consumer; a consumer without rows gets one, all of zeros."""
    A, x, Y = io.A, io.x, _demand_by_region(io.Y)
    check_index("A columns", A.columns, "its rows", A.index)
    check_index("Y", Y.index, "A", A.index)
    if x is not None:
        check_index("x", x.index, "A", A.index)
    regions = set(A.index.get_level_values(0))
    foreign = [(region, A.index[0][1]) for region in Y.columns if region not in regions]
    if foreign:
        rows = A.index.append(pd.MultiIndex.from_tuples(foreign, names=A.index.names))
        A = A.reindex(index=rows, columns=rows, fill_value=0.0)
        x = None if x is None else x.reindex(rows, fill_value=0.0)
        Y = Y.reindex(rows, fill_value=0.0)
    return assemble(
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
    y = table._parts.Y.sum(axis=1)
    x: FloatArray = system(table).solve(y, weight=weight, rtol=RTOL, x0=near).values
    return x


def _fill_accounts(io: Any, table: Table, extensions: Sequence[Any]) -> None:
    """Fill in M and the D accounts of these extensions, solved together."""
    S = _stacked(extensions, table.n)
    names, units = tuple(map(str, range(len(S)))), ("",) * len(S)
    F_Y = np.zeros((len(S), table._parts.Y.shape[1]))
    accounts = Footprints(table, StressorBlock(names=names, units=units, S=S, F_Y=F_Y))
    without_D = [each for each in extensions if _lacks(each, D_ACCOUNTS)]
    without_M = [each for each in extensions if _lacks(each, ("M",))]
    if without_D:
        for name in D_ACCOUNTS:
            values, columns = getattr(accounts, name).to_numpy(), io.A.columns
            if name in ("D_cba", "D_imp"):
                values, columns = _by_product(values, table, io)
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
        found = solved(table, sides, by_row=False, weight=1.0 / output, rtol=RTOL).values
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


def _by_product(values: FloatArray, table: Table, io: Any) -> tuple[FloatArray, pd.MultiIndex]:
    """Return columns for the consumers in Y alone, in the order of Y, and their labels."""
    consumers = _demand_by_region(io.Y).columns
    products = io.A.index.get_level_values(1).unique()
    code = {region: at for at, region in enumerate(table.regions)}
    at = [code[str(region)] for region in consumers]
    blocks = values.reshape(len(values), len(table.regions), len(products))[:, at]
    names = [*consumers.names, io.A.index.names[1]]
    labels = pd.MultiIndex.from_product([consumers, products], names=names)
    return blocks.reshape(len(values), -1), labels


def _share_out(
    name: str,
    values: FloatArray,
    columns: pd.Index,
    extensions: Sequence[Any],
    receivers: Sequence[Any],
) -> None:
    """Give each receiver its rows, in the order of the extensions, as arrays of its own."""
    first = 0
    for extension in extensions:
        part = values[first : first + len(extension.S), : len(columns)]
        first += len(part)
        if any(extension is receiver for receiver in receivers):
            setattr(extension, name, pd.DataFrame(part.copy(), extension.S.index, columns))
