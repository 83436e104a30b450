#!/usr/bin/env bash
# Stands for the environment's python in tests of slm.sh: notes "<command> <arguments>" in calls.txt and writes what
# the contract says the command writes. FAIL=<command> makes that one fail, FAIL_IF=<part of a call> that call,
# HANG=<command> makes it wait (SECONDS_TO_HANG), TELL_THREADS=1 notes the threads of each. What is written differs from call to call, unless SALT says what to add to it.
set -euo pipefail
if [[ " $* " == *" --print_config "* ]]; then exit 0; fi    # a check that comes before all stages
if [ "$1" != -m ]; then exec "${REAL_PYTHON}" "$@"; fi
name=${2#lmspt.bin.}
shift 2
call="${name} $*"
echo "${call}${TELL_THREADS:+ threads ${OMP_NUM_THREADS}}" >> calls.txt
declare -A given=()
last=""
for word in "$@"; do
    if [ "${word}" = -- ]; then break; fi
    if [[ ${word} == --?* ]]; then last=${word#--}; given[${last}]=""; elif [ -n "${last}" ]; then given[${last}]=${word}; fi
done
if [ "${FAIL:-}" = "${name}" ]; then echo "${name} is told to fail"; exit 7; fi
if [[ -n ${FAIL_IF:-} && ${call} == *"${FAIL_IF}"* ]]; then echo "${call} is told to fail"; exit 7; fi
if [ "${HANG:-}" = "${name}" ]; then touch hanging; sleep "${SECONDS_TO_HANG:-60}"; fi
out=${given[out]:-}
make() { for file in "$@"; do mkdir -p "$(dirname "${file}")"; echo "${call} ${SALT-${RANDOM}}" > "${file}"; done; }
case ${name} in
    validate_data) ;;
    format_data) make "${out}"/{wav.scp,text,utt2spk,spk2utt,utt2num_samples,dropped.tsv,audio.sha256} ;;
    dump_features) make "${out}/feats.scp" ;;
    tok_train)
        make "${out}"/{config.yaml,model.safetensors}
        echo "id$({ cat "${given[config]}"; if [[ ${call} == *" -- "* ]]; then echo "${call##* -- }"; fi; } | cksum | tr ' ' _)" > "${out}/tok_id"
        ;;
    tok_dump) make "${out}/manifest.json" ;;
    tok_join) make "${given[tokens]}/manifest.json" ;;
    tok_eval)
        make "${out}/tokens.json"
        if [[ ${out} != *kmeans* ]]; then make "${out}"/{all,semantic}/wav.scp; fi
        ;;
    codec_score | tok_probe) make "${out}" ;;
    slm_data) make "${out}"/{vocab.json,text.model,train.jsonl,valid.jsonl} ;;
    slm_train) make "${out}"/{config.yaml,model.safetensors} ;;
    asr_decode) make "${out}"/{text,stats.json} ;;
    asr_score) make "${out}"/{ref.trn,hyp.trn,result.txt,result.json} ;;
    tts_decode) make "${out}"/{wav.scp,stats.jsonl} ;;
    judge_train) make "${out}"/{judge.json,model.safetensors} ;;
    tts_score) make "${out}/result.json" ;;
    report) make "${out}"/{RESULTS.md,report.html,benchmark.json,counts.tsv} ;;
    pack) make "${out}" ;;
    *) echo "no stub for ${name}"; exit 9 ;;
esac
