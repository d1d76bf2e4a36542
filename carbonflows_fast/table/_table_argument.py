"""The error for an argument that is no table: how to make one from it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from carbonflows_fast.errors import InputError
from carbonflows_fast.table._table import Table

__all__ = ["kind_of", "required_table"]


def required_table(argument: str, given: Any, expected: str = "a Table") -> Table:
    """Return what was given if it is a table, and say how to make one of it otherwise.

    Parameters
    ----------
    argument : str
        The argument's name in the error.
    given : object
    expected : str
        What the argument takes.

    Raises
    ------
    InputError

    Examples
    --------
    >>> required_table("table", "store/2009")
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: table: expected a Table, got the path 'store/2009'; open ...
    """
    if isinstance(given, Table):
        return given
    raise InputError.about(
        argument, expected=expected, got=kind_of(given), remedy=_way_to_one(given)
    )


def kind_of(given: Any) -> str:
    """Say in a few words what somebody gave.

    >>> kind_of(None), kind_of([1, 2]), kind_of(2.5)
    ('None', 'a list of 2', 'a float')
    """
    if given is None:
        return "None"
    if isinstance(given, str | os.PathLike):
        return f"the path {os.fspath(given)[:60]!r}"
    if isinstance(given, type):
        return f"the class {given.__name__}"
    name = type(given).__name__
    article = "an" if name[:1] in "AEIOUaeiou" else "a"
    if isinstance(given, list | tuple | set | Mapping):
        return f"{article} {name} of {len(given)}"
    return f"{article} {name}"


def _way_to_one(given: Any) -> str:
    if isinstance(given, str | os.PathLike):
        path = repr(os.fspath(given))
        path = path if len(path) < 300 else "path"
        return f"open a saved table with cf.open({path}), or read files with cf.read({path})"
    if callable(getattr(given, "get_extensions", None)) and not isinstance(given, type):
        return "convert pymrio's system with cf.from_pymrio(io)"
    if type(given).__name__ == "Panel":
        return "take the table of one year, panel[year], or ask the panel, e.g. panel.accounts()"
    if isinstance(given, pd.DataFrame | pd.Series | np.ndarray) or sp.issparse(given):
        return "make a table of arrays with cf.Table(Z=…, Y=…, F=…, regions=…, sectors=…)"
    if isinstance(given, list | tuple | Mapping):
        return "give one table, or save each with cf.save and ask cf.Panel of their folder"
    return "read one with cf.read(path), open a saved one with cf.open(path)"
