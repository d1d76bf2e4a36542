#!/usr/bin/env bash
# pint 0.25.3: a folder of any content called "uncertainties" on the path keeps it from being imported.
#
# Expected: pint, which can use the package uncertainties but does not need it, does without it when it is
# not installed.
# Behaviour: pint asks `importlib.util.find_spec("uncertainties")`, which also finds a plain folder of that
# name, for example beside the script that is run, and then imports names that the folder lacks. mariopy
# imports pint, so MARIO fails too. Installing uncertainties helps: a real package comes before a folder.
#
# Output seen:
#   without the folder: imported
#   with an empty folder: ImportError: cannot import name 'UFloat' from 'uncertainties' (unknown location)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pint==0.25.3
cd "$folder"
mkdir -p apart work/uncertainties
try() {
    (cd "$1" && ../venv/bin/python -c "import pint; print('imported')" 2>&1 || true) | tail -n 1
}
without=$(try apart)
with=$(try work)
echo "without the folder: $without"
echo "with an empty folder: $with"
[[ $without == imported && $with == "ImportError: cannot import name 'UFloat'"* ]]
