"""Classifications shipped with the package: plain CSV files and the function that loads them.

They hold facts (codes and names), for examples, checks and groupings. A reader never uses them
to rename what a file says.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

from carbonflows_fast.errors import LabelError, nearest, shorten, wrong

__all__ = ["available", "load"]


def available() -> tuple[str, ...]:
    """Return the names that `load` knows, in alphabetical order.

    >>> "exiobase3_regions" in available()
    True
    """
    files = resources.files(__name__).iterdir()
    return tuple(sorted(f.name.removesuffix(".csv") for f in files if f.name.endswith(".csv")))


def load(name: str) -> Any:
    """Load one of the classifications shipped with the package.

    Parameters
    ----------
    name : str
        Name without ".csv", one of `available()`.

    Returns
    -------
    pandas.DataFrame
        All columns as text, exactly as shipped ("NA" is Namibia, never a missing value).

    Raises
    ------
    LabelError
        No classification has this name.

    Examples
    --------
    >>> load("exiobase3_regions").loc[0, "name"]
    'Austria'
    """
    import pandas as pd

    known = available()
    if name not in known:
        raise LabelError(
            wrong(
                "name",
                expected=f"one of {len(known)} classifications",
                got=repr(name),
                remedy=f"the nearest are {shorten(nearest(str(name), known))}",
            )
        )
    file = resources.files(__name__).joinpath(f"{name}.csv")
    with file.open("r", encoding="utf-8") as stream:
        return pd.read_csv(stream, dtype=str, keep_default_na=False)
