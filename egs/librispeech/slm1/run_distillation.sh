#!/usr/bin/env bash
# What distillation does for tokens of read speech, of readers who were never heard: resynthesis, pooled features and none at
# 12.5 Hz, of a CPU's size, beside k-means of Whisper's features and of a log-mel spectrum, and Lyra. Trained on excerpts of
# LibriSpeech, probed (by phones, too) and scored on what they resynthesise (unless --judge ""), without language models (an hour
# of speech makes none). What it takes: --dry_run. Lyra's weights are looked for in downloads/lyra_v2; without them give a --tok_list that leaves
# it out. ./run_distillation.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./run.sh \
    --tok_list "$(echo conf/tok/{small_12.5hz{,_standard,_feature,_none},kmeans_12.5hz{,_plain},logmel_kmeans_12.5hz,lyra_3200}.yaml)" \
    --slm_config "" \
    --train_variants 1 \
    --side_by_side 2 \
    --resultsdir results/distillation \
    "$@"
