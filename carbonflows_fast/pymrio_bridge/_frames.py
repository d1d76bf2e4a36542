"""Checks of the frames of a pymrio IOSystem, before anything in it is changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from carbonflows_fast.errors import CarbonFlowsError, InputError, LabelError, shorten
from carbonflows_fast.table._labels_given import label_texts, pairs_of
from carbonflows_fast.table._numbers_given import as_float, numbers

__all__ = [
    "as_before_if_refused",
    "check_system",
    "demand_level",
    "labelled",
    "matrix_and_demand",
    "outputs",
    "put_in_order",
    "without_emissions",
]

logger = logging.getLogger(__name__)

AXES = ("index", "columns")


# --- asked of any system ------------------------------------------------------------------------


def check_system(io: Any) -> None:
    """Raise unless it is an IOSystem, or something like one."""
    if isinstance(io, type) or not callable(getattr(io, "get_extensions", None)):
        raise InputError.about(
            "io",
            expected="an IOSystem of pymrio",
            got=f"the class {io.__name__}" if isinstance(io, type) else type(io).__name__,
            remedy="load one with pymrio, or make one of a Table with cf.to_pymrio(table)",
        )


def matrix_and_demand(io: Any) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """Return which of Z and A there is, that matrix, and Y."""
    kind = "Z" if getattr(io, "Z", None) is not None else "A"
    matrix, Y = getattr(io, kind, None), getattr(io, "Y", None)
    for argument, value in (("Z or A", matrix), ("Y", Y)):
        if value is None:
            raise InputError.about(
                "io",
                expected=f"an IOSystem with {argument}",
                got="one without",
                remedy="load or compute it first",
            )
    matrix, Y = labelled(f"io.{kind}", matrix), labelled("io.Y", Y)
    _check_rows(f"io.{kind} index", matrix.index)
    if Y.columns.empty:
        raise InputError.about(
            "io.Y", expected="at least one column", got="none", remedy="give final demand"
        )
    return kind, matrix, Y


def _check_rows(where: str, rows: pd.Index) -> None:
    if rows.nlevels != 2:
        raise LabelError.about(
            where,
            expected="two levels, region and sector",
            got=f"{rows.nlevels}, e.g. {rows[0] if len(rows) else 'none'!r}",
            remedy="set them with pd.MultiIndex.from_tuples",
        )
    if rows.empty:
        raise InputError.about(
            where, expected="at least one row", got="none", remedy="load the table first"
        )
    pairs_of(where, rows, ("region", "sector"))


def labelled(where: str, frame: Any) -> pd.DataFrame:
    """Return the frame, which must be one."""
    if not isinstance(frame, pd.DataFrame):
        raise InputError.about(
            where,
            expected="a DataFrame",
            got=type(frame).__name__,
            remedy="make one with pd.DataFrame(numbers, index, columns)",
        )
    return frame


def outputs(x: Any, rows: pd.Index) -> pd.DataFrame | pd.Series:
    """Return x as one column; a bare array, of any shape that pymrio takes, gets the labels."""
    if isinstance(x, pd.Series) or (isinstance(x, pd.DataFrame) and x.shape[1] == 1):
        return x
    if isinstance(x, np.ndarray) and x.size == len(rows):
        return pd.DataFrame({"indout": x.ravel()}, rows)
    raise InputError.about(
        "io.x",
        expected=f"one column of {len(rows)} outputs",
        got=f"{type(x).__name__} of shape {np.shape(x)}",
        remedy="keep that column alone, or set io.x = None to have it calculated",
    )


def without_emissions(attribute: str) -> InputError:
    """Return the complaint about an extension with neither F nor S."""
    return InputError.about(
        f"io.{attribute}",
        expected="an extension with F or S",
        got="neither",
        remedy="give it one of them, or remove the extension from io",
    )


def demand_level(columns: pd.Index) -> str | int:
    """Return the level of the columns of Y or F_Y that pymrio takes for their regions."""
    return "region" if "region" in columns.names else 0


# --- asked of a system that is filled in ----------------------------------------------------------


@contextmanager
def as_before_if_refused(io: Any) -> Iterator[None]:
    """Take back what was filled in when an error of this library follows.

    What was made of a wrong number would stay beside its correction otherwise, and be kept.
    """
    holders = [io, *io.get_extensions(data=True)]
    before = [dict(vars(holder)) for holder in holders]
    try:
        yield
    except CarbonFlowsError:
        for holder, attributes in zip(holders, before, strict=True):
            vars(holder).clear()
            vars(holder).update(attributes)
        raise


def put_in_order(io: Any) -> None:
    """Check all frames that accounts are made of; then give them one order, and plain numbers.

    pymrio's functions go by labels, so the same labels in another order mean the same.
    """
    for part in list(_parts(io)):  # all of them, before the first is touched
        part.put()


@dataclass
class _Part:
    """A frame of a system, put right but not yet in its place."""

    owner: Any
    name: str
    where: str
    frame: Any
    done: list[str] = field(default_factory=list)

    def order(self, axis: int, reference: str, labels: pd.Index, *, more: bool = False) -> None:
        """Give an axis the order of the reference; `more`: other labels may be there as well."""
        given, where = self.frame.axes[axis], f"{self.where} {AXES[axis]}"
        if given.equals(labels):
            return
        _check_once(reference, labels)
        _check_once(where, given)
        there, wanted = set(given), set(labels)
        lacking = [repr(label) for label in labels if label not in there]
        others = [repr(label) for label in given if label not in wanted]
        if lacking or (others and not more):
            found = [f"no {shorten(lacking, 2)}"] if lacking else []
            found += [f"also {shorten(others, 2)}"] if others else []
            raise LabelError.about(
                where,
                expected=f"the {len(labels)} labels of {reference}",
                got=", ".join(found),
                remedy="correct them, or make them alike with .reindex",
            )
        if not others:
            self.frame = self.frame.reindex(labels, axis=axis)
            self.done.append(f"{AXES[axis]} brought into the order of {reference}")

    def check_numbers(self) -> None:
        """Raise unless all are real and finite."""
        numbers(self.where, self.frame.to_numpy(), self._axes())
        self.make_plain()

    def check_numbers_or_gaps(self) -> None:
        """Raise unless all are real or missing."""
        as_float(self.where, self.frame.to_numpy(), self._axes())
        self.make_plain()

    def make_plain(self) -> None:
        """Make numbers float64 that are objects, or of another type that NumPy cannot invert."""
        types = [self.frame.dtype] if self.frame.ndim == 1 else self.frame.dtypes.unique()
        if not all(_plain(dtype) for dtype in types):
            self.frame = self.frame.astype(np.float64)
            self.done.append("made float64")

    def put(self) -> None:
        for what in self.done:
            logger.warning("%s: %s", self.where, what)
        setattr(self.owner, self.name, self.frame)

    def _axes(self) -> list[_Texts]:
        return [_Texts(axis) for axis in self.frame.axes]


class _Texts(Sequence[str]):
    """The labels of an axis as text, made when an error names one."""

    def __init__(self, index: pd.Index) -> None:
        self._index = index

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, at: Any) -> Any:
        label = self._index[at]
        return ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)


def _plain(dtype: Any) -> bool:
    dtype = dtype.subtype if isinstance(dtype, pd.SparseDtype) else dtype
    number = isinstance(dtype, np.dtype) and dtype.kind in "fiu"
    return number and dtype.isnative and dtype.itemsize <= 8


def _check_once(where: str, labels: pd.Index) -> None:
    if not labels.is_unique:
        twice = labels[labels.duplicated()].unique()
        raise LabelError.about(
            where,
            expected="every label once",
            got=f"several of {shorten(map(repr, twice), 2)}",
            remedy="rename them, or add them up with io.aggregate_duplicates()",
        )


def _parts(io: Any) -> Iterator[_Part]:
    """Yield the frames of the system and of its extensions, each checked."""
    kind, matrix, Y = matrix_and_demand(io)
    rows, reference = matrix.index, f"io.{kind} index"
    _check_once(reference, rows)
    consumers = [Y.columns]
    label_texts("io.Y columns", _regions(Y.columns))
    for name, axes in (("Z", (0, 1)), ("A", (0, 1)), ("Y", (0,)), ("x", (0,))):
        value = getattr(io, name)
        if value is None:
            continue
        frame = outputs(value, rows) if name == "x" else labelled(f"io.{name}", value)
        part = _Part(io, name, f"io.{name}", frame)
        if isinstance(value, np.ndarray):
            part.done.append(f"labelled by {reference}")
        for axis in axes:
            part.order(axis, reference, rows)
        part.check_numbers()
        yield part
    for name in io.get_extensions():
        for part in _extension_parts(io, name, reference, rows):
            if part.name == "F_Y":
                consumers.append(part.frame.columns)
            yield part
    if io.population is not None:
        yield _population(io, [rows.get_level_values(0), *map(_regions, consumers)])


def _regions(columns: pd.Index) -> pd.Index:
    return columns.get_level_values(demand_level(columns))


def _extension_parts(io: Any, name: str, reference: str, rows: pd.Index) -> Iterator[_Part]:
    """Yield F, S and F_Y of an extension; S_Y where F_Y is to be made of it."""
    extension, where = getattr(io, name), f"io.{name}"
    given = {part: getattr(extension, part, None) for part in ("F", "S", "F_Y", "S_Y")}
    frames = {
        part: labelled(f"{where}.{part}", frame)
        for part, frame in given.items()
        if frame is not None
    }
    if "F_Y" in frames:
        frames.pop("S_Y", None)
    if not frames.keys() & {"F", "S"}:
        raise without_emissions(name)
    main = "S" if "S" in frames else "F"  # the rows of the accounts, to which F_Y is added
    for kind, frame in frames.items():
        part = _Part(extension, kind, f"{where}.{kind}", frame)
        if kind in ("F", "S"):
            part.order(1, reference, rows)
        else:
            _check_once("io.Y columns", io.Y.columns)
            part.order(1, "io.Y columns", io.Y.columns, more=True)
            part.order(0, f"{where}.{main} index", frames[main].index)
        part.check_numbers()
        yield part


def _population(io: Any, regions: Iterable[pd.Index]) -> _Part:
    """Return heads by region; they may be missing, but not their column."""
    where = "io.population"
    part = _Part(io, "population", where, labelled(where, io.population))
    columns = part.frame.columns
    _check_once(f"{where} columns", columns)
    wanted = dict.fromkeys(region for index in regions for region in index)
    lacking = [repr(region) for region in wanted if region not in set(columns)]
    if lacking or part.frame.empty:
        raise LabelError.about(
            where,
            expected="a row of heads with a column for every region",
            got=f"no column for {shorten(lacking, 2)}" if lacking else "no row",
            remedy="complete it, or set io.population = None to do without accounts per head",
        )
    part.check_numbers_or_gaps()
    return part
