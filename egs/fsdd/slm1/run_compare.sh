#!/usr/bin/env bash
# The published comparison: which tokenizer should a speech language model use? 29 of them, three language models each,
# two judges. What is done is not done again, so it may be broken off and called again, for days; with --dry_run it says
# what is left and what that takes (from the beginning on two cores 40 hours and 18 GB by estimate, without what was never timed).
# In pieces, on several machines or days: give each its --tok_list, --tok_seeds, --seeds and --resultsdir;
# python -m lmspt.bin.merge puts them together.
# Lyra's weights are looked for in downloads/lyra_v2; without them give a --tok_list that leaves it out.
# ./run_compare.sh --help shows all options.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

toks=(
    conf/tok/{none,feature,feature_wakehubert,resynthesis}_{25,12.5,6.25}hz.yaml
    conf/tuning/{feature_standard,feature_placeless,resynthesis_standard}{_25hz,,_6.25hz}.yaml
    conf/ablations/aux_{large,shared,frozen}.yaml
    conf/tok/{kmeans,logmel_kmeans}_{50,12.5}hz.yaml
    conf/tok/lyra_3200.yaml
)

./run.sh \
    --tok_list "${toks[*]}" \
    --seeds "1 2 3" \
    --second_judge ctc \
    --resultsdir results \
    "$@"
