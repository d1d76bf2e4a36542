#!/usr/bin/env bash
# bw_processing 1.6: on a full disk, a package is cut short and nothing is raised.
#
# Expected: `finalize_serialization` raises OSError if datapackage.json cannot be written, as saving an
# array does.
# Behaviour: texts are written to a file that is never closed. What is left in its buffer, 8 kB or less, is
# written when Python discards the file, and errors there are only printed. The call returns, and the package
# cannot be loaded. The script has a limit on the size of files in the place of a full disk.
#
# Output seen:
#   finalize_serialization: nothing raised
#   datapackage.json: 1000 bytes
#   load_datapackage: JSONDecodeError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet bw_processing==1.6
cd "$folder"
venv/bin/python - <<'PYTHON' 2>/dev/null
import resource
import signal
import sys
from pathlib import Path

import bw_processing as bwp
import numpy as np

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
place = Path("package")
package = bwp.create_datapackage(fs=bwp.generic_directory_filesystem(dirpath=place))
package.add_persistent_vector(
    matrix="biosphere_matrix",
    indices_array=np.array([(1, 2)], bwp.INDICES_DTYPE),
    data_array=np.array([0.1]),
)
raised = "nothing"
try:
    package.finalize_serialization()
except OSError as error:
    raised = type(error).__name__
print("finalize_serialization:", raised, "raised")
size = (place / "datapackage.json").stat().st_size
print("datapackage.json:", size, "bytes")
try:
    bwp.load_datapackage(bwp.generic_directory_filesystem(dirpath=place))
    loaded = "loaded"
except ValueError as error:
    loaded = type(error).__name__
print("load_datapackage:", loaded)
sys.exit(not (raised == "nothing" and size <= 1000 and loaded == "JSONDecodeError"))
PYTHON
