#!/usr/bin/env bash
# bw_processing 1.6: entries added as Python objects are rounded to float32, without a word.
#
# Expected: `add_entries` stores amounts as `add_persistent_vector` stores an array, in float64, which is
# what the matrices of bw2calc are made of.
# Behaviour: `add_entries` and `add_persistent_vector_from_iterator` store float32, seven digits. So do
# the factors of `rescale`. Only arrays of one's own keep their bits.
#
# Output seen:
#   add_persistent_vector: float64 0.1
#   add_entries: float32 0.10000000149011612
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet bw_processing==1.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys

import bw_processing as bwp
import numpy as np
from bw_processing.matrix_entry import MatrixEntry

package = bwp.create_datapackage()
package.add_persistent_vector(
    matrix="biosphere_matrix",
    name="array",
    indices_array=np.array([(1, 2)], bwp.INDICES_DTYPE),
    data_array=np.array([0.1]),
)
package.add_entries(
    matrix="biosphere_matrix", entries=[MatrixEntry(row=1, col=2, amount=0.1)], name="entries"
)
array, entries = (package.get_resource(f"{name}.data")[0] for name in ("array", "entries"))
print("add_persistent_vector:", array.dtype, float(array[0]))
print("add_entries:", entries.dtype, float(entries[0]))
as_said = array.dtype == np.float64 and float(array[0]) == 0.1
sys.exit(not (as_said and entries.dtype == np.float32 and float(entries[0]) != 0.1))
PYTHON
