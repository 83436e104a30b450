#!/usr/bin/env bash
# What a discriminator does for a tokenizer of a CPU's size, at three rates, beside Lyra: trained on excerpts of LibriSpeech, scored
# on what they resynthesise, without language models (an hour of speech makes none). By estimate three hours on two cores.
# Lyra's weights are looked for in downloads/lyra_v2; without them give a --tok_list that leaves it out. PESQ and DistillMOS are
# taken where their packages are installed. ./run_adversarial.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./run.sh \
    --tok_list "$(echo conf/tok/small_{25,12.5,6.25}hz{,_gan}.yaml conf/tok/lyra_{3200,9200}.yaml)" \
    --slm_config "" \
    --train_variants 1 \
    --side_by_side 2 \
    --resultsdir results/adversarial \
    "$@"
