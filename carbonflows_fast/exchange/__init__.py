"""Results in the forms of other libraries."""

from __future__ import annotations

from carbonflows_fast.exchange._datapackage import to_datapackage
from carbonflows_fast.exchange._xarray import to_xarray

__all__ = ["to_datapackage", "to_xarray"]
