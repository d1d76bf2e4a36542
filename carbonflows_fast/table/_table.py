"""The table: an immutable, labelled multi-regional input-output table.

A `Table` is data; every question is a function of it, in a later module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast._base.markup import facts_as_html
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.table._content import Parts, relocked
from carbonflows_fast.table._equality import same_table
from carbonflows_fast.table._facts import facts_of
from carbonflows_fast.table._frame import Frame
from carbonflows_fast.table._gate import table_parts
from carbonflows_fast.table._kept import Kept
from carbonflows_fast.table._replacements import checked_changes, relabelled
from carbonflows_fast.table._small import require_normal

__all__ = ["Table", "table_from", "with_notes"]

# A module imports only from those before it. These two are looked up when they are called, so a
# table works in any order of imports, also in an unpickling process.
_LATER = {
    "output": ("carbonflows_fast.leontief._of_table", "solved_output"),  # x of (I − A) x = Y·1
    "reopened": ("carbonflows_fast.store._saved", "reopened"),  # a saved table by path and digest
}


def _later(what: str) -> Callable[..., Any]:
    module, name = _LATER[what]
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


class Table(Frame):
    """A multi-regional input-output table with emissions.

    n rows, one (region, sector) pair each; m demand columns, one (region, category) pair each;
    k stressors; R regions.

    Parameters
    ----------
    Z, A : array, sparse matrix or DataFrame, shape (n, n)
        Transactions Z (row delivers to column), or coefficients A = Z x̂⁻¹: exactly one. Dense or
        any scipy sparse format. Negative entries are accepted.
    Y : array or DataFrame, shape (n, m)
        Final demand, in the units of the rows.
    F, S : array or DataFrame, shape (k, n)
        Stressors by sector (F), or per unit of output (S = F x̂⁻¹): exactly one.
    x : array or Series, shape (n,), optional
        Output. Without it x = Z·1 + Y·1; with A it is solved from (I − A) x = Y·1 when it is
        first asked for.
    F_Y : array or DataFrame, shape (k, m), optional
        Stressors emitted by final users directly, in the units of F. None: zero.
    regions, sectors : sequence of n labels, optional
        The region and the sector of each row; sectors may differ by region. One text for
        `regions` is the region of every row. Not needed if a DataFrame has them (MultiIndex region,
        sector); if several arguments have them, they must agree in order.
    demand : sequence of m (region, category) pairs or MultiIndex, optional
        The columns of Y and F_Y. Not needed if Y has such columns, or has one column for each
        region in the order of the rows (category "final demand").
    stressors : sequence of k names, optional
        Not needed if F or S has an index; several levels are joined with " | ".
    extensions : str, sequence or mapping, optional
        The extension that each stressor belongs to.
    stressor_units : str, sequence or mapping, optional
        The unit of each stressor.
    row_units : str or sequence of n, optional
        The unit of each row.
    population : mapping, Series or array, shape (R,), optional
        Heads by region, NaN if unknown; regions left out of a mapping are NaN. Its keys may be
        countries by name or ISO code.
    year : int, optional
    name : str, optional

    Raises
    ------
    InputError
        If a shape, a type or a value is wrong: text, NaN, infinity, both or neither of a pair.
    LabelError
        If labels are missing, or two arguments disagree in order.

    Notes
    -----
    float64 arrays (and csr and csc matrices of float64) are viewed, not copied, so they must not
    be changed while the table is in use. The table's own views are read-only. The caller's
    arrays stay writable.

    If Z was given, the columns of A and S with x_j = 0 are zero.

    Examples
    --------
    Two regions with one sector each:

    >>> table = Table(
    ...     Z=[[10.0, 20.0], [30.0, 40.0]],
    ...     Y=[[60.0, 10.0], [10.0, 20.0]],
    ...     F=[5.0, 2.0],
    ...     regions=["DE", "FR"],
    ...     sectors=["goods", "goods"],
    ...     stressors="CO2",
    ...     stressor_units="kt",
    ...     name="tiny",
    ... )
    >>> table
    Table('tiny', 2 regions, 1 sector, 2 rows, 1 stressor (CO2), 2 demand columns, Z dense)
    >>> table.x.tolist()
    [100.0, 100.0]
    >>> table.S.loc["CO2"].tolist(), table.F_Y.to_numpy().tolist()
    ([0.05, 0.02], [[0.0, 0.0]])
    >>> table.A.toarray().tolist(), table.Z.nnz
    ([[0.1, 0.2], [0.3, 0.4]], 4)
    >>> table.sectors, table.categories, table.demand.tolist()
    (('goods',), ('final demand',), [('DE', 'final demand'), ('FR', 'final demand')])
    >>> table.stressors, table.stressor_units["CO2"], table.row_units.tolist(), table.population
    (('CO2',), 'kt', ['', ''], None)

    A model that is published as coefficients, without output:

    >>> Table(A=[[0.5]], Y=[50.0], S=[0.2], regions="CA", sectors=["all"], stressors="CO2").F.values
    array([[20.]])
    """

    __slots__ = ("__weakref__", "_saved")

    _saved: tuple[Path, str] | None  # of an opened table: where it is, and the digest of it

    def __init__(
        self,
        *,
        Z: Any = None,
        A: Any = None,
        Y: Any,
        F: Any = None,
        S: Any = None,
        x: Any = None,
        F_Y: Any = None,
        regions: Any = None,
        sectors: Any = None,
        demand: Any = None,
        stressors: Any = None,
        extensions: Any = None,
        stressor_units: Any = None,
        row_units: Any = None,
        population: Any = None,
        year: int | None = None,
        name: str = "",
    ) -> None:
        parts = table_parts(
            Z=Z,
            A=A,
            Y=Y,
            F=F,
            S=S,
            x=x,
            F_Y=F_Y,
            regions=regions,
            sectors=sectors,
            demand=demand,
            stressors=stressors,
            extensions=extensions,
            stressor_units=stressor_units,
            row_units=row_units,
            population=population,
            year=year,
            name=name,
        )
        self._fill(parts, None, Kept())

    def _fill(self, parts: Parts, saved: tuple[Path, str] | None, kept: Kept) -> None:
        object.__setattr__(self, "content", parts)
        object.__setattr__(self, "_saved", saved)
        object.__setattr__(self, "kept", kept)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(
            f"{name}: a Table is immutable; make a changed one with table.with_changes(…)"
        )

    def __delattr__(self, name: str) -> NoReturn:
        self.__setattr__(name, None)

    def _solved(self) -> FloatArray:
        x: FloatArray = locked(_later("output")(self))
        return x

    def with_changes(
        self,
        *,
        A: Any = None,
        S: Any = None,
        F: Any = None,
        Y: Any = None,
        F_Y: Any = None,
        unit: Any = None,
        stressors: Any = None,
        stressor_units: Any = None,
        row_units: Any = None,
        population: Any = None,
        year: int | None = None,
        name: str | None = None,
    ) -> Table:
        """Return a table with some of its parts replaced; all others stay.

        Parameters
        ----------
        A : array, sparse matrix or DataFrame, shape (n, n), optional
        S, F : array or DataFrame, shape (k, n), optional
            One of the two.
        Y : array or DataFrame, shape (n, m), optional
        F_Y : array or DataFrame, shape (k, m), optional
        unit : str or mapping of stressor to unit, optional
            Converts S, F and F_Y to this unit: by powers of ten between g, kg, t, kt, Mt, Gt (Gg,
            Tg), J to EJ, and persons, also with what follows them ("kt CO2-eq"). Not together with
            S, F, F_Y or stressor_units.
        stressors : sequence of k names or mapping of name to new name, optional
        stressor_units : str, sequence or mapping of stressor to unit, optional
            Says what unit the numbers are in, and converts nothing.
        row_units, population, year, name : optional
            As in `Table`.

        Returns
        -------
        Table
            If A or Y changes, intensities S are kept (not F, unless it is given), and x is solved
            from (I − A) x = Y·1 when it is first asked for. Otherwise the new table shares x, the
            matrix and a prepared system with this one.

        Raises
        ------
        InputError, LabelError
            As in `Table`; labels of DataFrames must be those of this table, in order, and keys of
            mappings its stressors. If a unit cannot be converted.

        Examples
        --------
        >>> table = Table(Z=[[1.0]], Y=[9.0], F=[5.0], regions="DE", sectors=["all"],
        ...               stressors="CO2", stressor_units="t")
        >>> halved = table.with_changes(S=table.S / 2)
        >>> halved.F.loc["CO2"].tolist()
        [2.5]
        >>> table.with_changes(unit="kt").F.loc["CO2"].tolist()
        [0.005]
        >>> table.with_changes(S=table.S / 1000, stressor_units="kt").stressor_units["CO2"]
        'kt'
        """
        converting = unit is not None
        given = {"S": S, "F": F, "F_Y": F_Y, "stressor_units": stressor_units}
        also = [argument for argument, value in given.items() if value is not None]
        if converting and also:
            raise InputError.about(
                "unit",
                expected="no other change of emissions beside it",
                got=also[0],
                remedy="give stressor_units for numbers that are in that unit already, or "
                "convert in a second call",
            )
        new = checked_changes(self.content, A=A, S=S, F=F, Y=Y, F_Y=F_Y)
        parts = self.content
        if new.A is not None or new.Y is not None:
            if new.S is None and new.F is None:
                require_normal(self, range(len(self.stressors)))
            parts = replace(parts, x=None, emissions=self.arrays.S, emissions_kind="S")
            if new.A is not None:
                parts = replace(parts, matrix=new.A, kind="A")
            elif parts.kind == "Z":
                parts = replace(parts, matrix=self.A, kind="A")
            if new.Y is not None:
                parts = replace(parts, Y=new.Y)
        if new.S is not None:
            parts = replace(parts, emissions=new.S, emissions_kind="S")
        if new.F is not None:
            parts = replace(parts, emissions=new.F, emissions_kind="F")
        if new.F_Y is not None:
            parts = replace(parts, F_Y=new.F_Y)
        parts = relabelled(
            parts,
            stressors=stressors,
            stressor_units=stressor_units,
            unit=unit,
            row_units=row_units,
            population=population,
            year=year,
            name=name,
        )
        return table_from(parts, kept=self.kept.after(self.content, parts))

    def _reframed(self, parts: Parts) -> Table:
        return table_from(parts)

    def equals(self, other: object) -> bool:
        """Return whether two tables hold the same numbers, bit for bit, and the same labels.

        The matrix is compared as A, emissions as they were given (F or S), F_Y None as zeros.
        Dense and sparse matrices of the same numbers are equal.

        Parameters
        ----------
        other : object
            Anything that is not a table is not equal.
        """
        return isinstance(other, Table) and same_table(self, other)

    def __repr__(self) -> str:
        p = self.content
        described = [
            repr(p.name) if p.name else "",
            "" if p.year is None else str(p.year),
            count(len(p.regions), "region"),
            count(len(p.sectors), "sector"),
            count(self.n, "row"),
            f"{count(len(p.stressors), 'stressor')} ({shorten(p.stressors, 3)})",
            count(len(p.demand_codes), "demand column"),
            f"{p.kind} {p.form}",
        ]
        return f"Table({', '.join(text for text in described if text)})"

    def _repr_html_(self) -> str:
        return facts_as_html(repr(self), facts_of(self))

    def __copy__(self) -> Table:
        return self  # nothing of it can change

    def __deepcopy__(self, memo: dict[int, Any]) -> Table:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        if self._saved is not None:
            return _reopen, self._saved
        parts = self.content
        if parts.form == "tiles":  # of a file, which is not this one
            parts = replace(parts, matrix=self.A)
        return _rebuild, (parts,)


def table_from(
    parts: Parts, saved: tuple[Path, str] | None = None, kept: Kept | None = None
) -> Table:
    """Make a table of parts that are known to be valid (a store, a change, an aggregate)."""
    table = Table.__new__(Table)
    table._fill(parts, saved, kept or Kept())
    return table


def with_notes(table: Table, *notes: str) -> Table:
    """Return a table with more notes, which shares all that was computed of this one.

    >>> import carbonflows_fast as cf
    >>> with_notes(cf.synthetic.world(2, 3), "Emissions are split by output.").notes
    ('Emissions are split by output.',)
    """
    parts = replace(table.content, notes=(*table.notes, *notes))
    return table_from(parts, kept=table.kept.after(table.content, parts))


def _rebuild(parts: Parts) -> Table:
    """Make a table from pickled parts."""
    return table_from(relocked(parts))


def _reopen(path: Path, checksum: str) -> Table:
    """Open a pickled table where it is: matrices are never shipped between processes."""
    table: Table = _later("reopened")(path, checksum)
    return table
