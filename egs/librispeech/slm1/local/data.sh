#!/usr/bin/env bash
# Stage 1 of librispeech: data directories of the subsets, by the corpus's own names.
#
# What downloads/LibriSpeech has not, comes from openslr.org: an archive is fetched on where it broke off, checked, and
# unpacked; a subset's folder is there when it is whole. Elsewhere the corpus is read where LIBRISPEECH says (db.sh).
set -euo pipefail

train_subsets="train-clean-100 train-clean-360 train-other-500"    # what train is made of
n_dev=20    # of excerpts with a manifest.tsv: speakers of train that become dev
phones=true    # align the test sets, for the probes of stage 6

. utils/parse_options.sh
. ./db.sh
. ./path.sh

url=https://www.openslr.org/resources/12

# The folder of subset $1 below downloads/LibriSpeech.
fetch() {
    local archive=downloads/$1.tar.gz sum new=downloads/.$1.part
    if [ -d "${LIBRISPEECH}/$1" ]; then return; fi
    sum=$(grep "  $1.tar.gz$" local/SHA256SUMS) || { echo "$0: '$1' is no subset of LibriSpeech" >&2; exit 1; }
    mkdir -p "${LIBRISPEECH}"
    if [ ! -e "${archive}" ]; then
        command -v curl > /dev/null || { echo "$0: curl is missing: install it" >&2; exit 1; }
        echo "$0: fetching ${url}/$1.tar.gz"
        curl -fL --no-progress-meter --retry 3 --continue-at - -o "${archive}.part" "${url}/$1.tar.gz" || {
            echo "$0: cannot fetch $1: run this again to go on, or unpack ${url}/$1.tar.gz into downloads/" >&2
            exit 1
        }
        mv "${archive}.part" "${archive}"
    fi
    (cd downloads && sha256sum -c --quiet <<< "${sum}") || {
        echo "$0: ${archive} is not the published one: remove it and run this again" >&2
        exit 1
    }
    rm -rf "${new}"
    mkdir "${new}"
    tar -xzf "${archive}" -C "${new}"
    mv "${new}/LibriSpeech/$1" "${LIBRISPEECH}/$1"
    rm -rf "${new}" "${archive}"
}

read -ra subsets <<< "${train_subsets}"
if [ "${LIBRISPEECH}" = downloads/LibriSpeech ]; then
    for subset in "${subsets[@]}" dev-clean test-clean test-other; do fetch "${subset}"; done
fi
python local/prepare.py --corpus "${LIBRISPEECH}" --train_subsets "${subsets[@]}" --n_dev "${n_dev}" --out data
for set in data/test_*; do if ${phones}; then python -m lmspt.bin.align "${set}"; fi; done
