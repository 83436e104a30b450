#!/usr/bin/env bash
# Real recorded telephone prompts, and numbers, letters, times and dates joined from their words: the whole chain in
# minutes on a CPU. README.md says what the sets show. ./run.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./slm.sh \
    --train_set train \
    --tok_train_set train_tok \
    --valid_set dev \
    --test_sets "test_prompts test_said" \
    --tok_list "conf/tok/resynthesis_12.5hz.yaml conf/tok/kmeans_12.5hz.yaml" \
    --slm_config conf/slm/small.yaml \
    --train_variants 1 \
    --max_eval_utts 24 \
    --side_by_side 2 \
    --normalizer english \
    "$@"
