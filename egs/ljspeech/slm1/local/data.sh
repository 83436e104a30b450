#!/usr/bin/env bash
# Stage 1 of ljspeech: its metadata.csv (id|text|text as it is read) and wavs/, 22.05 kHz; dev and test are drawn.
#
# Without the corpus it fetches the archive (2.7 GB), goes on where that broke off, checks its sum, and unpacks it.
set -euo pipefail

dev=250     # utterances in dev
test=250    # utterances in test

. utils/parse_options.sh
. ./db.sh
. ./path.sh

url=https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2
sum=be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5

fetch() {
    local archive=downloads/${url##*/} new=downloads/.part
    mkdir -p downloads
    if [ ! -e "${archive}" ]; then
        command -v curl > /dev/null || { echo "$0: curl is missing: install it" >&2; exit 1; }
        echo "$0: fetching ${url}"
        curl -fL --no-progress-meter --retry 3 --continue-at - -o "${archive}.part" "${url}" || {
            echo "$0: cannot fetch the corpus: run this again to go on, or set LJSPEECH in db.sh to its folder" >&2
            exit 1
        }
        mv "${archive}.part" "${archive}"
    fi
    (cd downloads && sha256sum -c --quiet <<< "${sum}  ${archive##*/}") || {
        echo "$0: ${archive} is not the published one: remove it and run this again" >&2
        exit 1
    }
    rm -rf "${new}"
    mkdir "${new}"
    tar -xjf "${archive}" -C "${new}"
    mv "${new}/LJSpeech-1.1" downloads/
    rm -rf "${new}" "${archive}"
}

if [ "${LJSPEECH}" = downloads/LJSpeech-1.1 ] && [ ! -d "${LJSPEECH}" ]; then fetch; fi
python -m lmspt.bin.prepare_data --corpus "${LJSPEECH}" --metadata "${LJSPEECH}/metadata.csv" --out data \
    --speaker '(LJ)[0-9]' --dev "${dev}" --test "${test}"
