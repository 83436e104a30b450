#!/usr/bin/env bash
# Make the directory of a new recipe. What is there already is kept.
#
# Usage: egs/TEMPLATE/slm1/setup.sh egs/mycorpus/slm1
set -euo pipefail

if [ $# -ne 1 ] || [[ $1 == -* ]]; then sed -n '2,4s/^# \{0,1\}//p' "$0"; exit $(($# != 1)); fi
template=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
mkdir -p "$1"
recipe=$(cd "$1" && pwd -P)
if [ "${recipe%/*/*}" != "${template%/*/*}" ]; then
    echo "error: a recipe is egs/<corpus>/<name> of this repository, not $1" >&2
    exit 1
fi

# link NAME TARGET: links are relative, so that the repository can move
link() { [ -e "${recipe}/$1" ] || ln -sn "$2" "${recipe}/$1"; }
link slm.sh ../../TEMPLATE/slm1/slm.sh
link path.sh ../../TEMPLATE/slm1/path.sh
link utils ../../../utils
for name in run.sh cmd.sh db.sh conf local; do
    [ -e "${recipe}/${name}" ] || cp -r "${template}/${name}" "${recipe}/${name}"
done
echo "$1 is ready. Now:
  cd $1
  edit db.sh                    # where the corpus lies
  ./run.sh --stop_stage 2       # data and its checks; local/data.sh says what is read as it is
  ./run.sh"
