#!/usr/bin/env bash
# Check a Kaldi data directory: lmspt.bin.validate_data with its environment. --help shows the options.
set -euo pipefail
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$("${root}/tools/setup.sh")
PYTHONPATH=${root} exec "${venv}/bin/python" -m lmspt.bin.validate_data "$@"
