"""Figures of results, by matplotlib: ``pip install 'carbonflows_fast[figures]'``.

Every function takes a result of the library and, with `ax`, the axes to draw in; it returns the
axes. Without `ax` it makes a figure of pyplot, fit for a page or a screen 700 pixels wide:
notebooks and ``plt.show()`` show it, ``ax.figure.savefig("name.svg")`` writes it, and
``plt.close(ax.figure)`` frees it. Bars, bands and cells have the numbers of the result; axes and
texts say them in a readable unit (kt as Mt). What a picture leaves out is in it as "other", or
stated below it with its size.
"""

from __future__ import annotations

from carbonflows_fast.figures._chains import path_tree, stage_profile
from carbonflows_fast.figures._changes import time_series, waterfall
from carbonflows_fast.figures._losses import extraction
from carbonflows_fast.figures._payers import payers
from carbonflows_fast.figures._purchases import purchases
from carbonflows_fast.figures._ranking import ranking
from carbonflows_fast.figures._regions import heat_map, net_imports
from carbonflows_fast.figures._sankey import sankey, sector_flow
from carbonflows_fast.figures._viewpoints import responsibility

__all__ = [
    "extraction",
    "heat_map",
    "net_imports",
    "path_tree",
    "payers",
    "purchases",
    "ranking",
    "responsibility",
    "sankey",
    "sector_flow",
    "stage_profile",
    "time_series",
    "waterfall",
]
