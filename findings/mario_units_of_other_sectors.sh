#!/usr/bin/env bash
# mariopy 1.3.2, pymrio 0.7.0: `to_pymrio` gives sectors the units of other sectors.
#
# Expected: in the IOSystem that `Database.to_pymrio()` makes, each row of `unit` is the unit of the
# sector that its label names, as `Database.units` has it.
# Behaviour: MARIO sorts the sectors of Z by name, and keeps those of `units` in the order of the
# file. `to_pymrio` puts the second under the labels of the first by position. In a table of mixed
# units whose sectors are not in alphabetical order, steel in tonnes becomes steel in TJ, without a
# warning.
#
# Output seen:
#   database.units: {'Steel': 't', 'Electricity': 'TJ'}
#   rows of Z: ['Electricity', 'Steel']
#   io.unit: {'Electricity': 't', 'Steel': 'TJ'}
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mariopy==1.3.2 pymrio==0.7.0
cd "$folder"
venv/bin/python - <<'PYTHON' 2>/dev/null
import logging
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import mario
import pandas as pd

names = ["Region", "Level", "Item"]
rows = pd.MultiIndex.from_tuples([("R", "Sector", "Steel"), ("R", "Sector", "Electricity")], names=names)
users = pd.MultiIndex.from_tuples([("R", "Consumption category", "Households")], names=names)
units = pd.DataFrame(
    {"unit": ["t", "TJ", "EUR", "kg"]},
    pd.MultiIndex.from_tuples(
        [("Sector", "Steel"), ("Sector", "Electricity"), ("Factor of production", "Wages"), ("Satellite account", "CO2")]
    ),
)
frames = {
    "Z": pd.DataFrame([[1.0, 2], [3, 4]], rows, rows),
    "Y": pd.DataFrame([[50.0], [60]], rows, users),
    "V": pd.DataFrame([[7.0, 8]], pd.Index(["Wages"], name="Item"), rows),
    "E": pd.DataFrame([[9.0, 10]], pd.Index(["CO2"], name="Item"), rows),
    "EY": pd.DataFrame([[0.0]], pd.Index(["CO2"], name="Item"), users),
    "units": units,
}
Path("flows").mkdir()
for name, frame in frames.items():
    frame.to_csv(f"flows/{name}.txt")
database = mario.parse_from_txt("flows", table="IOT", mode="flows")
said = database.units["Sector"]["unit"].to_dict()
sectors = database.Z.index.get_level_values("Item").tolist()
unit = database.to_pymrio().unit["unit"]
got = dict(zip(unit.index.get_level_values(-1), unit))
print("database.units:", said)
print("rows of Z:", sectors)
print("io.unit:", got)
sys.exit(not (said == {"Steel": "t", "Electricity": "TJ"} and got == {"Electricity": "t", "Steel": "TJ"}))
PYTHON
