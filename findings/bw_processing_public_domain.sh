#!/usr/bin/env bash
# bw_processing 1.6: a package says that its numbers are in the public domain, unless it is told otherwise.
#
# Expected: a package whose licence nobody gave has none in its datapackage.json, where the format has the
# field as optional.
# Behaviour: `create_datapackage` writes ODC-PDDL-1.0, "Public Domain Dedication and License", so numbers of
# a publisher with other terms leave the machine with a wrong claim. An empty list in `metadata` is kept.
#
# Output seen:
#   nothing given: ['ODC-PDDL-1.0']
#   licenses=[] given: []
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet bw_processing==1.6
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import sys
from pathlib import Path

import bw_processing as bwp

claims = {}
for title, metadata in (("nothing given", None), ("licenses=[] given", {"licenses": []})):
    place = Path(title.split("=")[0].replace(" ", "_"))
    files = bwp.generic_directory_filesystem(dirpath=place)
    bwp.create_datapackage(fs=files, metadata=metadata).finalize_serialization()
    about = json.loads((place / "datapackage.json").read_text())
    claims[title] = [one["name"] for one in about["licenses"]]
    print(f"{title}: {claims[title]}")
sys.exit(list(claims.values()) != [["ODC-PDDL-1.0"], []])
PYTHON
