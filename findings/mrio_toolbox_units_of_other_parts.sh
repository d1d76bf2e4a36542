#!/usr/bin/env bash
# mrio-toolbox 1.2.7: the unit of one part is saved for other parts, of other tables too.
#
# Expected: what `save("table.nc")` writes for a part is that part's own metadata: a unit where it
# was given one, none where not.
# Behaviour: `Part.to_xarray(attrs=dict())` changes its default argument, so that metadata of a part
# stay for all parts that are saved after it in the same process. The transactions of the table, and
# all parts of another table saved later, become "kt CO2" without a warning.
#
# Output seen:
#   first table: {'q': 'kt CO2', 't': 'kt CO2'}
#   second table, without any unit: {'t': 'kt CO2'}
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


def units(path):
    with netCDF4.Dataset(path) as file:
        parts = {name: part for name, part in file.variables.items() if name in ("q", "t")}
        return {name: getattr(part, "unit", None) for name, part in parts.items()}


def made(*parts):
    table = MRIO()
    table.add_dimensions({"countries": ["FR", "DE"], "sectors": ["all"], "q_labs": ["CO2"]})
    side = ["countries", "sectors"]
    shapes = {"q": ((1, 2), ["q_labs", side]), "t": ((2, 2), [side, side])}
    for name in parts:
        shape, dimensions = shapes[name]
        table.parts[name] = table.new_part(name=name, data=np.ones(shape), dimensions=dimensions)
    return table


first = made("q", "t")
first.parts["q"].metadata["unit"] = "kt CO2"
first.save("first.nc")
second = made("t")
second.save("second.nc")
print("first table:", units("first.nc"))
print("second table, without any unit:", units("second.nc"))
leaked = units("first.nc") == {"q": "kt CO2", "t": "kt CO2"} and units("second.nc") == {"t": "kt CO2"}
sys.exit(not leaked)
PYTHON
