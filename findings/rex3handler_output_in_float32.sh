#!/usr/bin/env bash
# rex3handler 0.3.0: `total_output` gives float64 that was added up in float32.
#
# Expected: the README calls `total_output` "row sums of T + row sums of Y", its result has dtype
# float64, and its source converts to float64. So it should be the sum of the stored numbers to
# some fifteen digits.
# Behaviour: the conversion comes after the sums. T and Y are float32, as `convert` stores them, and
# are added as such. Small flows beside a large one vanish, and `footprint` divides by the result.
# `aggregate` converts first: the same table, aggregated to itself, has another output.
#
# Output seen:
#   total_output: float64 [16777218.0, 6.0, 6.0, 6.0]
#   in float64:   float64 [16777221.0, 6.0, 6.0, 6.0]
#   after aggregate(): [16777221.0, 6.0, 6.0, 6.0]
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
# Of xarray the newest that works with zarr 2, which rex3handler asks for, is not the newest.
"$folder/venv/bin/pip" install --quiet rex3handler==0.3.0 xarray==2024.11.0 zarr==2.18.7 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import numpy as np
import rex3handler
import xarray as xr

regions, sectors = ["A", "B"], ["wheat", "steel"]
T, Y = np.ones((2, 2, 2, 2), dtype="f4"), np.ones((2, 2, 2), dtype="f4")
T[0, 0, 0, 0] = 2.0**24
year = xr.Dataset(
    {
        "T": (("region", "sector", "region_to", "sector_to"), T),
        "Y": (("region", "sector", "region_fd"), Y),
        "Q": (("indicator", "region", "sector"), np.ones((1, 2, 2), dtype="f4")),
        "Q_Y": (("indicator", "region_fd"), np.ones((1, 2), dtype="f4")),
    },
    coords={
        "region": regions, "sector": sectors, "region_to": regions, "sector_to": sectors,
        "region_fd": regions, "indicator": ["CO2"],
    },
)
found = rex3handler.total_output(year)
right = T.sum((2, 3), dtype=float) + Y.sum(2, dtype=float)
again = rex3handler.total_output(rex3handler.aggregate(year))
print("total_output:", found.dtype, found.values.ravel().tolist())
print("in float64:  ", right.dtype, right.ravel().tolist())
print("after aggregate():", again.values.ravel().tolist())
lost = right.ravel()[0] - found.values.ravel()[0]
sys.exit(not (found.dtype == np.float64 and lost == 3 and (again.values == right).all()))
PYTHON
