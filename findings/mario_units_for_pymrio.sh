#!/usr/bin/env bash
# mariopy 1.3.2, pymrio 0.7.0: the units that MARIO hands to pymrio cannot be looked up by row.
#
# Expected: `Database.to_pymrio()` gives an IOSystem whose `unit` has the rows of `Z`, region and
# sector, as in every IOSystem that pymrio itself reads or loads.
# Behaviour: `unit` has MARIO's own three levels, Region, Level and Item, in the same order. Looking
# units up by the labels of Z does not give missing values but an AssertionError of pandas.
#
# Output seen:
#   pymrio's own: ['region', 'sector'] equal to Z: True
#   from MARIO: ['Region', 'Level', 'Item'] equal to Z: False
#   unit.reindex(Z.index): AssertionError
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

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
import mario
import pymrio

own = pymrio.load_test()
print("pymrio's own:", list(own.unit.index.names), "equal to Z:", own.unit.index.equals(own.Z.index))
io = mario.load_test("IOT").to_pymrio()
levels, same = list(io.unit.index.names), io.unit.index.equals(io.Z.index)
print("from MARIO:", levels, "equal to Z:", same)
try:
    io.unit.reindex(io.Z.index)
    raised = "nothing"
except Exception as error:
    raised = type(error).__name__
print("unit.reindex(Z.index):", raised)
as_said = own.unit.index.equals(own.Z.index) and levels == ["Region", "Level", "Item"] and not same
sys.exit(not (as_said and raised == "AssertionError"))
PYTHON
