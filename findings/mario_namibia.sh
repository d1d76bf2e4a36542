#!/usr/bin/env bash
# mariopy 1.3.2: a region called "NA" (Namibia) is another region in rows than in columns.
#
# Expected: `parse_from_txt` reads back what `to_txt` saved, whatever regions are called.
# Behaviour: pandas takes "NA" for a missing value where it labels rows, not where it labels
# columns, and MARIO calls what is missing "None". No error or warning when it is read; the rows
# of Z and Y then belong to a region "None" that has no columns, and outputs and coefficients
# cannot be computed.
#
# Output seen:
#   saved rows: ['NA', 'Reg1'] columns: ['NA', 'Reg1']
#   read rows: ['None', 'Reg1'] columns: ['NA', 'Reg1']
#   database.X: ValueError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mariopy==1.3.2
cd "$folder"
venv/bin/python - <<'PYTHON' 2>/dev/null
import logging
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import mario


def regions(axis):
    return sorted(set(axis.get_level_values("Region")))


mario.load_test("IOT").to_txt("first")
for file in Path("first/flows").iterdir():
    file.write_text(file.read_text().replace("Reg2", "NA"))
names = Path("first/flows/Z.txt").read_text().splitlines()
columns = sorted(set(names[0].split(",")[3:]))
rows = sorted({line.split(",")[0] for line in names[4:]})
print("saved rows:", rows, "columns:", columns)
database = mario.parse_from_txt("first/flows", table="IOT", mode="flows")
Z = database.query("Z")
read = regions(Z.index), regions(Z.columns)
print("read rows:", read[0], "columns:", read[1])
try:
    database.X
    raised = "nothing"
except Exception as error:
    raised = type(error).__name__
print("database.X:", raised)
as_said = rows == columns == ["NA", "Reg1"] and read == (["None", "Reg1"], ["NA", "Reg1"])
sys.exit(not (as_said and raised == "ValueError"))
PYTHON
