#!/usr/bin/env bash
# xarray 2024.11.0, zarr 2.18.7: zeros that are stored in a Zarr array are NaN in xarray.
#
# Expected: zarr makes an array whose `fill_value` is 0 (its default: what chunks hold that were
# never written). Zeros that are written are data, and both packages give them back.
# Behaviour: zarr does. xarray takes `fill_value` for CF's `_FillValue` and makes each stored zero
# NaN, in float arrays that zarr itself wrote with its defaults. Sums skip NaN and look right; means,
# counts and numpy do not. rex3handler writes its flows with `fill_value=nan` for this reason.
#
# Output seen:
#   zarr:   [0.0, 1.0, 0.0, 3.0] mean 1.0
#   xarray: [nan, 1.0, nan, 3.0] mean 2.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xarray==2024.11.0 zarr==2.18.7 numpy==2.4.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import warnings

import numpy as np
import xarray as xr
import zarr

warnings.filterwarnings("ignore")
group = zarr.open_group("flows.zarr", mode="w")
stored = group.create_dataset("T", shape=4, dtype="f8")
stored.attrs["_ARRAY_DIMENSIONS"] = ["region"]
stored[:] = [0.0, 1.0, 0.0, 3.0]
zarr.consolidate_metadata("flows.zarr")
own, other = stored[:], xr.open_zarr("flows.zarr")["T"]
print("zarr:  ", own.tolist(), "mean", own.mean())
print("xarray:", other.values.tolist(), "mean", float(other.mean()))
sys.exit(not (own.mean() == 1 and np.isnan(other.values).tolist() == [True, False, True, False]))
PYTHON
