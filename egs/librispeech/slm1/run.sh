#!/usr/bin/env bash
# LibriSpeech, the setting of the paper's first version: one tokenizer, and a speech language model from a pretrained one.
# Of a folder of excerpts with a manifest.tsv, the same at a CPU's size. README.md has more; ./run.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
. ./db.sh

if [ -e "${LIBRISPEECH}/manifest.tsv" ]; then
    size=(--test_sets "test_other" --tok_list "conf/tok/small_12.5hz.yaml" --slm_config conf/slm/small.yaml --train_variants 4)
else
    size=(--test_sets "test_clean test_other" --tok_list "conf/tok/v1_12.5hz.yaml" --slm_config conf/slm/qwen2.5_0.5b.yaml
        --train_variants 0 --nj 16)
fi

./slm.sh \
    --train_set train \
    --valid_set dev \
    "${size[@]}" \
    --normalizer english \
    "$@"
