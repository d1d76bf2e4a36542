#!/usr/bin/env bash
# pandas 2.3.3, openpyxl 3.1.5: numbers that `to_excel` wrote are other numbers when they are read.
#
# Expected: a float64 that `DataFrame.to_excel` writes and `read_excel` reads is the same float64,
# as it is with `to_csv` and `read_csv`: the file is text, and Python's shortest repr gives it back.
# Behaviour: openpyxl formats numbers with "%.16g". Some need 17 digits; a quarter of these come back
# changed in their last bit, without a warning.
#
# Output seen:
#   digits in the file, at most: 16
#   of 10000 numbers changed: to_csv 0 to_excel 2561
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pandas==2.3.3 openpyxl==3.1.5 numpy==2.2.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import re
import sys
import zipfile

import numpy as np
import pandas as pd

frame = pd.DataFrame(np.random.default_rng(0).uniform(0, 10, (100, 100)))
frame.to_excel("book.xlsx", index=False)
frame.to_csv("book.csv", index=False)
by_excel = (pd.read_excel("book.xlsx").to_numpy() != frame.to_numpy()).sum()
by_csv = (pd.read_csv("book.csv", float_precision="round_trip").to_numpy() != frame.to_numpy()).sum()
sheet = zipfile.ZipFile("book.xlsx").read("xl/worksheets/sheet1.xml").decode()
longest = max(len(cell.replace(".", "").lstrip("0")) for cell in re.findall(r"<v>(\d+\.\d+)</v>", sheet))
print("digits in the file, at most:", longest)
print("of 10000 numbers changed: to_csv", by_csv, "to_excel", by_excel)
sys.exit(not (longest == 16 and by_csv == 0 and by_excel > 1000))
PYTHON
