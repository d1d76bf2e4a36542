"""Tables that the package mrio-toolbox saves as NetCDF."""

from carbonflows_fast.readers.mrio_toolbox._find import FORMAT

__all__ = ["FORMAT"]
