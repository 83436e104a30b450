#!/usr/bin/env bash
# The prompts of all five languages in one tokenizer and one language model: four voices, two alphabets.
# ./run_multilingual.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

./slm.sh \
    --local_data_opts "--langs 'en es fr it ru'" \
    --dumpdir dump/multilingual \
    --expdir exp/multilingual \
    --resultsdir results/multilingual \
    --train_set train_all \
    --tok_train_set train_all_tok \
    --valid_set dev_all \
    --test_sets "test_prompts test_said test_es test_fr test_it test_ru" \
    --tok_list "conf/tok/resynthesis_12.5hz.yaml conf/tok/kmeans_12.5hz.yaml" \
    --slm_config conf/slm/small.yaml \
    --slm_args "--text_units 256" \
    --train_variants 1 \
    --max_eval_utts 24 \
    --normalizer basic \
    --language detect \
    "$@"
