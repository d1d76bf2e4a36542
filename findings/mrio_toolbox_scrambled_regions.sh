#!/usr/bin/env bash
# mrio-toolbox 1.2.7: a table whose rows are in another order than its columns is saved with wrong
# labels of rows.
#
# Expected: what `save("table.nc")` writes has each number under the labels that it has in the Part:
# the row of IT under IT, the column of FR under FR.
# Behaviour: a Part has labels for each axis; the NetCDF file has one list for each dimension. Rows
# that were selected in another order than the columns get the labels of the columns, without an
# error or a warning. What IT delivers is then what FR delivers.
#
# Output seen:
#   in memory, IT to FR: 31.0
#   in the file, IT to FR: 11.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mrio-toolbox==1.2.7 xarray==2026.9.0 netCDF4==1.7.5.1.post1
cd "$folder"
venv/bin/python - <<'PYTHON' 2>/dev/null
import sys

import netCDF4
import numpy as np
from mrio_toolbox import MRIO

regions = ["FR", "DE", "IT"]
table = MRIO()
table.add_dimensions({"countries": list(regions), "sectors": ["all"]})
side = ["countries", "sectors"]
# 31: the third region delivers to the first.
numbers = np.array([[10.0 * seller + buyer for buyer in (1, 2, 3)] for seller in (1, 2, 3)])
table.parts["t"] = table.new_part(name="t", data=numbers, dimensions=[side, side])
rows = table.parts["t"][{"countries": ["IT", "DE", "FR"]}]
rows.name = "t"
seller, buyer = (axis.labels["countries"].index(name) for axis, name in zip(rows.axes, ("IT", "FR")))
in_memory = float(rows.data[seller, buyer])
rows.save("table.nc")
with netCDF4.Dataset("table.nc") as file:
    names = list(file["countries"][:])
    in_file = float(file["t"][names.index("IT"), 0, names.index("FR"), 0])
print("in memory, IT to FR:", in_memory)
print("in the file, IT to FR:", in_file)
sys.exit(not (in_memory == 31 and in_file == 11))
PYTHON
