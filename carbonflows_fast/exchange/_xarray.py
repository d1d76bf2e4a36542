"""Results as data sets of xarray, which writes netCDF and Zarr."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast.errors import InputError
from carbonflows_fast.trade import Flows

if TYPE_CHECKING:
    import xarray

__all__ = ["to_xarray"]

ENTRY = "entry"
"""The dimension of rows that are not all combinations of their labels."""
LABELS = ("from", "to")
"""Columns of labels that results have beside their index."""
CONSUMER = {"region": "consumer"}
"""What the regions of columns are called where rows have some too, as in the matrix of flows."""
AMOUNTS = {
    "net_imports": (
        *("production", "consumption", "imports", "exports", "net_imports", "households"),
        "unallocated",
    ),
    "technology_adjusted": (
        *("production", "consumption", "income", "technology_adjusted", "households"),
        "unallocated",
    ),
    "emissions_lost": ("emissions", "emissions_left", "emissions_lost"),
    "cumulative": ("emissions", "cumulative", "remainder"),
    "value": ("value", "sd", "before", "after", "change"),
}
"""Columns in the unit of the frame, by one that tells what kind of result it is."""


def to_xarray(result: Any) -> xarray.Dataset:
    """Return a result as a data set of xarray, with named dimensions, units and bounds.

    Parameters
    ----------
    result : Flows or DataFrame
        What :func:`flows`, :func:`accounts`, :func:`responsibility`, :func:`multipliers`, a
        :class:`Panel` or another function returns.

    Returns
    -------
    xarray.Dataset
        A variable for each column, with a dimension for each level of the index, such as year and
        region; where not all combinations are there, one dimension "entry" with coordinates. A
        matrix is the variable "value". Attributes are stressor, unit and error_bound, and `units`
        of the variables that are amounts of the stressor. A panel has error_bound by year; where
        stressors have units and bounds of their own, these are coordinates.

    Raises
    ------
    InputError
        If it is something else, or xarray is not installed.

    Notes
    -----
    ``to_xarray(…).to_netcdf(path)`` and ``.to_zarr(path)`` write it; every number keeps its bits.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> found = cf.to_xarray(cf.flows(table))
    >>> dict(found.value.sizes), found.value.attrs["units"]
    ({'region': 3, 'consumer': 3}, 'kt')
    >>> float(cf.to_xarray(cf.accounts(table)).consumption.sel(region="AT").round())
    25245507.0
    """
    made = _required()
    data: xarray.Dataset
    if isinstance(result, Flows):
        data = _of_flows(result, made)
        return data
    if not isinstance(result, pd.DataFrame):
        raise InputError.about(
            "result",
            expected="flows, or a frame that a function of the library returns",
            got=type(result).__name__,
            remedy="give e.g. cf.accounts(table) or panel.accounts()",
        )
    data = _of_frame(result, made)
    return data


def _required() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise InputError.about(
            "xarray",
            expected="an installed package",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[xarray]'`",
        ) from error
    return xarray


def _of_flows(found: Flows, made: Any) -> Any:
    attrs = {"stressor": found.stressor, "unit": found.unit, "error_bound": found.error_bound}
    matrix = found.matrix.copy(deep=False)
    matrix.attrs = attrs
    data = _of_frame(matrix, made)
    data["value"].attrs["units"] = found.unit
    households = made.DataArray(found.households.to_numpy(), dims="region")
    data["households"] = households.assign_attrs(units=found.unit)
    return data


def _of_frame(frame: pd.DataFrame, made: Any) -> Any:
    labels = [name for name in LABELS if name in frame.columns]
    if labels:
        keep = frame.index.names != [None]
        frame = frame.set_index(labels, append=keep)
    matrix = frame.columns.names != [None]
    if matrix:
        frame = _told_apart(frame)
        attrs, levels = frame.attrs, list(range(frame.columns.nlevels))
        column = frame.stack(levels, future_stack=True)
        frame = column.to_frame("value")
        frame.attrs = attrs
    data = _by_dimensions(frame, made)
    for name in _amounts(frame):
        data[name].attrs["units"] = str(frame.attrs.get("unit", ""))
    _describe(data, frame.attrs)
    return data


def _told_apart(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a matrix whose columns have dimensions of their own: final demand has two regions."""
    rows = set(frame.index.names)
    names = [
        CONSUMER.get(name, f"{name} of column") if name in rows else name
        for name in frame.columns.names
    ]
    if names == list(frame.columns.names):
        return frame
    return frame.set_axis(frame.columns.set_names(names), axis="columns")


def _by_dimensions(frame: pd.DataFrame, made: Any) -> Any:
    """Return the columns over the levels of the index, or over its entries."""
    index = frame.index
    names = [name or ENTRY for name in index.names]
    levels = [pd.unique(index.get_level_values(at)) for at in range(index.nlevels)]
    size = int(np.prod([len(level) for level in levels], dtype=np.int64))
    whole = size == len(frame) and not index.has_duplicates
    if whole and index.nlevels > 1:
        frame = frame.reindex(pd.MultiIndex.from_product(levels, names=index.names))
    shape = [len(level) for level in levels] if whole else [len(frame)]
    dims = names if whole else [ENTRY]
    data = {str(name): (dims, _plain(frame[name]).reshape(shape)) for name in frame.columns}
    if whole:
        coords: dict[str, Any] = {
            name: _plain(pd.Series(level)) for name, level in zip(names, levels, strict=True)
        }
    else:
        coords = {
            name: (ENTRY, _plain(pd.Series(index.get_level_values(at))))
            for at, name in enumerate(names)
            if name != ENTRY
        }
    return made.Dataset(data, coords)


def _plain(values: pd.Series) -> Any:
    """Return numbers as they are, and everything else as texts, which netCDF can hold."""
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_extension_array_dtype(
        values.dtype
    ):
        return values.to_numpy()
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.array(["" if one is None or one != one else str(one) for one in values], object)


def _amounts(frame: pd.DataFrame) -> list[str]:
    """Return the columns that are surely in the unit of the frame."""
    if not isinstance(frame.attrs.get("unit"), str):
        return []
    if "unit" in frame.columns:  # each row has its own
        return []
    for kind, columns in AMOUNTS.items():
        if kind in frame.columns:
            return [name for name in columns if name in frame.columns]
    return []


def _describe(data: Any, attrs: Mapping[Any, Any]) -> None:
    """Give the data set attributes that a file can hold, and bounds by year or stressor."""
    for name, value in attrs.items():
        if isinstance(value, Mapping):
            _along(data, str(name), value)
        elif isinstance(value, str | int | float | np.number):
            data.attrs[str(name)] = value.item() if isinstance(value, np.generic) else value


def _along(data: Any, name: str, values: Mapping[Any, Any]) -> None:
    """Add a value for each label of a dimension: by stressor, or of a panel's tasks by year."""
    if name == "by_task":
        values = {label: facts.get("error_bound") for label, facts in values.items()}
        name = "error_bound"
    for dim in data.dims:
        labels = list(map(str, data.coords[dim].to_numpy())) if dim in data.coords else []
        if labels and set(labels) <= set(map(str, values)):
            found = {str(label): value for label, value in values.items()}
            column = [found[label] for label in labels]
            if None not in column:
                texts = any(isinstance(one, str) for one in column)
                data.coords[name] = (dim, np.array(column, dtype=object if texts else np.float64))
            return
