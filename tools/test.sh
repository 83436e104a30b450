#!/usr/bin/env bash
# Check everything: shell scripts, Python style, tests. Makes the environment first if need be. Its last line is pytest's.
#
# Usage: tools/test.sh [options of pytest, e.g. -k wer]
set -euo pipefail

if [ "${1:-}" = --help ]; then sed -n '2,4s/^# \{0,1\}//p' "$0"; exit 0; fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
venv=$(tools/setup.sh)
PATH=${venv}/bin:${PATH}

# what git knows or would take: not what recipes have generated
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard -- '*.sh' .ci/run)
shellcheck "${scripts[@]}"
ruff check
ruff format --check
export OMP_NUM_THREADS=1    # threads wait for each other where others use the machine, too: the suite would take minutes more
exec python -m pytest "$@"
