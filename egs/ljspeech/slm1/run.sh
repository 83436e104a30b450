#!/usr/bin/env bash
# LJSpeech: one speaker reads 24 hours of books. ./run.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./slm.sh \
    --train_set train \
    --valid_set dev \
    --test_sets "test" \
    --tok_list "conf/tok/resynthesis_12.5hz.yaml conf/tok/kmeans_12.5hz.yaml" \
    --slm_config conf/slm/small.yaml \
    --train_variants 0 \
    --normalizer english \
    "$@"
