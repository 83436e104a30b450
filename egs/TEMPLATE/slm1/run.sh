#!/usr/bin/env bash
# What is special to this corpus, as options of the common pipeline. ./run.sh --help shows them all.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./slm.sh \
    --train_set train \
    --valid_set dev \
    --test_sets "test" \
    --tok_list "conf/tok/resynthesis_12.5hz.yaml" \
    --slm_config conf/slm/small.yaml \
    --normalizer english \
    "$@"
