#!/usr/bin/env bash
# Connected digits of six speakers, joined from the Free Spoken Digit Dataset: LM-SPT tokens against the topline of
# k-means on the teacher's own features. ./run.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./slm.sh \
    --train_set train \
    --valid_set dev \
    --test_sets "test" \
    --tok_list "conf/tok/resynthesis_12.5hz.yaml conf/tok/kmeans_12.5hz.yaml" \
    --slm_config conf/slm/small.yaml \
    --train_variants 1 \
    --max_eval_utts 100 \
    --side_by_side 2 \
    --resultsdir results/default \
    --normalizer digits \
    "$@"
