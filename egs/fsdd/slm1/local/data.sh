#!/usr/bin/env bash
# Stage 1 of fsdd: strings of three to six digits, joined from single takes of one speaker with short pauses.
#
# Takes 0-4 of each speaker and digit are for testing, as the corpus prescribes, takes 5-9 for development, the others
# for training. No digit string of dev or test occurs in training.
set -euo pipefail

n_train=8000          # strings in train
n_dev=120             # strings in dev
n_test=240            # strings in test
heldout_speaker=""    # leave this speaker out of train and dev, and alone in test (all takes of that speaker)

. utils/parse_options.sh
. ./db.sh
. ./path.sh

if [ "${FSDD}" = downloads ]; then
    FSDD=downloads/free-spoken-digit-dataset
    if [ ! -d "${FSDD}/recordings" ]; then
        command -v git > /dev/null || { echo "$0: git is missing: install it, or set FSDD in db.sh" >&2; exit 1; }
        rm -rf "${FSDD}"
        mkdir -p downloads
        git clone --depth 1 https://github.com/Jakobovski/free-spoken-digit-dataset "${FSDD}" \
            || { echo "$0: cannot clone the corpus: fetch it by hand and set FSDD in db.sh to its folder" >&2; exit 1; }
    fi
fi
python local/prepare.py --recordings "${FSDD}/recordings" --out data --n_train "${n_train}" --n_dev "${n_dev}" \
    --n_test "${n_test}" --heldout_speaker "${heldout_speaker}"
