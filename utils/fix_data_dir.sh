#!/usr/bin/env bash
# Mend a Kaldi data directory (sort, drop what is not in every file): lmspt.bin.fix_data with its environment. --help shows the options.
set -euo pipefail
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$("${root}/tools/setup.sh")
PYTHONPATH=${root} exec "${venv}/bin/python" -m lmspt.bin.fix_data "$@"
