#!/usr/bin/env bash
# From a corpus to speech tokens, a speech language model on them, and its scores: fourteen stages.
#
# Usage: ./run.sh [--stage 3] [--stop_stage 5] [--option value ...]      from the directory of a recipe
#
# A stage is named by its number or name. One that is done, with the same inputs and options, is not done again;
# one that was broken off is taken up where it was. --list_stages lists the stages, --dry_run prints what would run,
# and what that takes.
set -euo pipefail

# General
stage=1                 # first stage, number or name
stop_stage=14           # last stage, number or name
skip_stages=""          # stages to leave out, e.g. "feats 14"
list_stages=false       # list the stages and leave
dry_run=false           # print which stages are done, the commands of the others and what they take, and leave
nj=2                    # parallel jobs of data stages
ngpu=0                  # GPUs of a training; tokens and decoding take one of them (0: CPU)
side_by_side=1          # tokenizers and language models whose stages 4, 5, 8, 9, 11 and 12 are at work at a time
dumpdir=dump            # audio, features and tokens go here
expdir=exp              # models and their outputs go here
resultsdir=results      # tables and the report go here

# Data
train_set=train         # set that the language model is trained on
tok_train_set=""        # set that the tokenizers are trained on (default: train_set)
valid_set=dev           # set that checkpoints are chosen on
test_sets="test"        # sets that are scored
local_data_opts=""      # options for local/data.sh, e.g. "--langs 'en es'"
sample_rate=16000       # Hz, of everything from stage 2 on
min_seconds=0.1         # shorter utterances of train and valid sets are dropped
max_seconds=30          # longer ones, too

# Tokenizers
tok_list="conf/tok/resynthesis_12.5hz.yaml"   # configurations; stages 4 to 14 are done for each
tok_args=""             # overrides, e.g. "--max_epoch 3"; each tokenizer takes those that its kind knows
tok_seeds=""            # seeds of those that are trained, e.g. "1 2": each is a tokenizer (default: that of its configuration)
train_variants=4        # how often each utterance of train_set is tokenized, shifted, louder, faster ... each time (0: once, as it is)
dump_nj=1               # jobs that each dump of tokens is split into, each with a GPU of its own if there are any

# Speech language model
slm_config=conf/slm/small.yaml   # configurations; stages 7 to 14 are done for each, on the tokens of each tokenizer ("": none is
                        # trained, and the report is of the tokenizers alone; without a judge, too, of their probes)
slm_args=""             # overrides, e.g. "--lr 1e-3"
seeds=""                # its seeds, e.g. "1 2 3": stages 8 to 14 are done for each (default: that of its configuration)
decode_config=conf/decode.yaml   # how speech is drawn from it
decode_args=""          # overrides, e.g. "--temperature 0.7"

# Scoring
normalizer=english      # of texts before words are compared: english, digits, basic (any language), none
language=""             # that the judge reads: Whisper's two letters, or "detect" for sets of several (default: en)
judge=whisper-base      # recogniser that reads synthesised speech; never the teacher of a tokenizer ("": none, systems are
                        # compared by what they recognise, and nothing is spoken)
second_judge=""         # another that reads the same speech: a name as above, ctc, which is trained on the words of train_set, or
                        # the folder of such a one
judge_ngpu=0            # 1: Whisper reads on a GPU, under a contract of its own
max_eval_utts=200       # utterances of a set that are resynthesised, spoken and judged (the same for all systems; 0: all)

run_args=("$@")
. utils/parse_options.sh
[ $# -eq 0 ] || { echo "$0: takes options only, not \"$1\" (--help lists them)" >&2; exit 2; }

stages=(
    "data        the corpus as Kaldi data directories: ${train_set} ${tok_train_set} ${valid_set} ${test_sets}"
    "format      one rate, mono, cut, length-filtered audio"
    "feats       teacher features, for the tokenizers that read stored ones"
    "tok_train   train the tokenizers; look published ones up"
    "tok_dump    turn all sets into tokens"
    "tok_eval    resynthesise dev and test sets; codebook health, codec scores, token probes"
    "slm_data    vocabulary and task sequences of the language model"
    "slm_train   train the language model, speech to text and text to speech"
    "asr_decode  recognise the test sets, and the controls"
    "asr_score   word and character error rates"
    "tts_decode  speak the test sets"
    "tts_score   have the judge read what was spoken, resynthesised and recorded"
    "report      tables, plots and players: ${resultsdir}"
    "pack        one archive for each system"
)
# shellcheck source=utils/stage_utils.sh
. utils/stage_utils.sh

if ${list_stages}; then list_stages; exit 0; fi
if ${dry_run}; then PATH=${PWD}/utils:${PATH}; else . ./path.sh; fi
. ./cmd.sh

for name in nj ngpu side_by_side train_variants dump_nj judge_ngpu max_eval_utts; do
    [[ ${!name} =~ ^[0-9]+$ ]] || die "--${name} ${!name}: give a whole number"
done
for name in nj side_by_side dump_nj; do [ "${!name}" -gt 0 ] || die "--${name} 0: give 1 or more"; done
case ${normalizer} in
    english | digits | basic | none) ;;
    *) die "--normalizer ${normalizer}: not one of english, digits, basic, none" ;;
esac
[ -z "${second_judge}" ] || [ -n "${judge}" ] || die "a second judge needs a first: give --judge"
confs=() slm_confs=() tests=() tok_words=() slm_words=() decode_words=() local_data_words=() tok_seed_words=() seed_words=()
words_of train_cmd "${train_cmd}"
words_of cuda_cmd "${cuda_cmd}"
words_of decode_cmd "${decode_cmd}"
words_of confs "${tok_list}"
words_of slm_confs "${slm_config}"
words_of tok_seed_words "${tok_seeds}"
words_of tests "${test_sets}"
tok_train_set=${tok_train_set:-${train_set}}
words_of tok_words "${tok_args}"
words_of slm_words "${slm_args}"
words_of decode_words "${decode_args}"
words_of local_data_words "${local_data_opts}"
training_sets=("${train_set}")
[ "${tok_train_set}" = "${train_set}" ] || training_sets+=("${tok_train_set}")
raw=${dumpdir}/raw
gpus=$((ngpu > 0))     # of a process
step=steps heard=audio spoken=utterances    # what the time of a training, of listening and of speaking is counted in
[ "${ngpu}" -eq 0 ] || step=steps_on_${ngpu}_gpus heard=audio_on_a_gpu spoken=utterances_on_a_gpu
reads_on=""            # what the judges read on, if not on a CPU
[ "${judge_ngpu}" -eq 0 ] || reads_on=" on a gpu"
words_of seed_words "${seeds}"

# Configuration and names of tokenizer $1.
system_of() {
    local tok_seed
    read -r conf tok_seed <<< "$1"
    tok_tag=$(basename "${conf}" .yaml)${tok_seed:+_t${tok_seed}}
    tok_seed_option=(${tok_seed:+--seed "${tok_seed}"})
    row=${tok_tag}
    tok_exp=${expdir}/tok_${tok_tag}
    tok_id="ID_OF_${tok_tag}"
    if [ -r "${tok_exp}/tok_id" ] && [ -z "${renewed[${tok_exp}/tok_id]:-}" ]; then tok_id=$(< "${tok_exp}/tok_id"); fi
    tokens=${dumpdir}/tokens/${tok_id}
}

# Configuration, data and names of the language model of cell $1, and those of its tokenizer.
cell_of() {
    local tok seed slm_tag
    IFS=: read -r tok slm_conf seed <<< "$1"
    system_of "${tok}"
    slm_tag=$(basename "${slm_conf}" .yaml)
    slm_data=${expdir}/data_${tok_tag}_${slm_tag}
    slm_name=${tok_tag}_${slm_tag}${seed:+_s${seed}}
    row=${slm_name}
    slm_exp=${expdir}/slm_${slm_name}
    seed_option=(${seed:+--seed "${seed}"})
}

# The formatted sets $@ are inputs.
need_raw() {
    local set
    for set in "$@"; do
        need 2 "${raw}/${set}"/{wav.scp,text,utt2spk,utt2num_samples}
        also "${raw}/${set}"/{joins,audio.sha256}
    done
}

# Seconds of audio in the formatted set $1; nothing if it is not there yet.
audio_of() {
    local table=${raw}/$1/utt2num_samples
    [ ! -r "${table}" ] || awk -v rate="${sample_rate}" '{n += $2} END {printf "%.0f\n", n / rate}' "${table}"
}

# Lines of the table $1; nothing if it is not there yet.
lines_of() { [ ! -r "$1" ] || awk 'END {print NR}' "$1"; }

# Utterances of the formatted set $1 that are resynthesised, spoken and judged; at most, if it is not there yet.
evaluated_of() {
    local count
    count=$(lines_of "${raw}/$1/text")
    if [ "${max_eval_utts}" -eq 0 ]; then echo "${count}"; return; fi
    echo $((${count:-max_eval_utts} < max_eval_utts ? count : max_eval_utts))
}

# Value of the key $2 of the configuration $1, or of the last override of it among the words behind; nothing if none has it.
value_of() {
    local conf=$1 key=$2 value="" name
    shift 2
    [ ! -r "${conf}" ] || value=$(sed -n "s/^${key} *: *[\"']\{0,1\}\([^\"' #]*\).*/\1/p" "${conf}")
    while [ $# -gt 0 ]; do
        name=${1#--}
        if [[ ${name} == *=* ]]; then set -- "${name%%=*}" "${name#*=}" "${@:2}"; else set -- "${name}" "${@:2}"; fi
        if [ "${1//-/_}" = "${key}" ]; then value=${2:-}; fi
        shift $(($# < 2 ? $# : 2))
    done
    echo "${value}"
}

# Steps of a training with the configuration $1 and the overrides behind it; nothing if they do not say.
steps_of() {
    local key value steps=1
    for key in max_epoch steps_per_epoch; do
        value=$(value_of "$1" "${key}" "${@:2}")
        [[ ${value} =~ ^[0-9]+$ ]] || return 0
        steps=$((steps * value))
    done
    echo "${steps}"
}

# Where the features of the teacher lie that the configuration $1 reads; nothing if it reads none. What decides them is in the name,
# so that configurations share what they have in common.
feats_of() {
    local key value name
    [ "$(value_of "$1" tokenizer)" = kmeans ] || return 0
    name=$(basename "$(value_of "$1" teacher "${tok_words[@]}")")
    [ -n "${name}" ] || die "$1 has no line 'teacher: ...'"
    for key in teacher_layer max_utts seed; do
        value=$(value_of "$1" "${key}" "${tok_words[@]}")
        name+=${value:+_${key##*_}${value}}
    done
    echo "${dumpdir}/feats/${name}"
}

# Is the tokenizer of the configuration $1 a published one, which is looked up and not trained?
is_published() {
    case $(value_of "$1" tokenizer) in "" | lmspt | kmeans) return 1 ;; esac
}

# Could stage 6 resynthesise set $1? (A topline of teacher features has tokens but no way back to speech.)
speaks() {
    there 6 "${tok_exp}/eval/$1/tokens.json"
    if ${dry_run} || [ -e "${tok_exp}/eval/$1/all/wav.scp" ]; then return 0; fi
    log "${tok_tag} has no decoder: no speech of ${1}"
    return 1
}

# What is named after the configurations $@ would be named alike: two of one file name are refused.
refuse_namesakes() {
    local name
    name=$(printf '%s\n' "$@" | sort -u | sed 's|.*/||' | uniq -d | head -n 1)
    [ -z "${name}" ] || die "two configurations are called ${name}, and so would their folders be; rename one"
}
refuse_namesakes "${confs[@]}"
refuse_namesakes "${slm_confs[@]}"

# What would stop a later stage is told now: configuration $2 of command $1 with the overrides behind them.
check_config() {
    local said
    there 0 "$2"
    if ${dry_run}; then return; fi
    said=$(python -m "lmspt.bin.$1" --config "$2" --print_config -- "${@:3}" 2>&1) || die "${said}"
}
if reaches tok_train; then for conf in "${confs[@]}"; do check_config tok_train "${conf}" "${tok_words[@]}"; done; fi
if reaches slm_train; then for conf in "${slm_confs[@]}"; do check_config slm_train "${conf}" "${slm_words[@]}"; done; fi
if reaches tts_decode && [ -n "${judge}" ] && [ "${#slm_confs[@]}" -gt 0 ]; then
    check_config tts_decode "${decode_config}" "${decode_words[@]}"
fi

toks=()     # "<configuration> [seed]" of each tokenizer
trained=0   # how many of them stage 4 trains for long
cells=()    # "<tokenizer>:<configuration>:[seed]" of each language model
for conf in "${confs[@]}"; do
    if [ "${#tok_seed_words[@]}" -eq 0 ] || is_published "${conf}"; then toks+=("${conf}"); continue; fi
    for seed in "${tok_seed_words[@]}"; do toks+=("${conf} ${seed}"); done
done
for tok in "${toks[@]}"; do
    if ! is_published "${tok% *}" && [ -z "$(feats_of "${tok% *}")" ]; then trained=$((trained + 1)); fi
    for slm_conf in "${slm_confs[@]}"; do
        if [ "${#seed_words[@]}" -eq 0 ]; then cells+=("${tok}:${slm_conf}:"); fi
        for seed in "${seed_words[@]}"; do cells+=("${tok}:${slm_conf}:${seed}"); done
    done
done

stage_data() {
    local set name corpus
    home=data
    unit
    need 0 local/data.sh
    also db.sh
    for name in $([ ! -e db.sh ] || sed -n 's/^\([A-Za-z_0-9]*\)=.*/\1/p' db.sh); do    # where corpora lie, and their tables
        corpus=$(. ./db.sh; echo "${!name}")
        option "${name}" "${corpus}"
        [ -z "${corpus}" ] || also "${corpus}"/*.{csv,tsv}
    done
    option local_data_opts "${local_data_opts}"
    for set in "${training_sets[@]}" "${valid_set}" "${tests[@]}"; do makes "data/${set}"/{wav.scp,text,utt2spk}; done
    writes data runs 1
    all_read
    if stale; then
        run local/data.sh "${local_data_words[@]}"
        for set in "${training_sets[@]}"; do run utils/validate_data_dir.sh "data/${set}"; done
        for set in "${valid_set}" "${tests[@]}"; do
            run utils/validate_data_dir.sh "data/${set}" --against "${training_sets[@]/#/data/}"
        done
        finish
    fi
}

stage_format() {
    local set limits out
    home=${dumpdir}
    for set in "${training_sets[@]}" "${valid_set}" "${tests[@]}"; do
        limits=()
        if [[ " ${training_sets[*]} ${valid_set} " == *" ${set} "* ]]; then
            limits=(--min_seconds "${min_seconds}" --max_seconds "${max_seconds}")
        fi
        out=${raw}/${set}
        unit "${set}"
        need 1 "data/${set}"/{wav.scp,text,utt2spk}
        also "data/${set}"/{segments,joins,channel}
        option limits "${limits[*]}"
        option sample_rate "${sample_rate}"
        makes "${out}"/{wav.scp,text,utt2spk,utt2num_samples,dropped.tsv}
        writes "${out}" recordings "$(lines_of "data/${set}/wav.scp")"
        all_read
        anew rm -rf "${out:?}"
        if stale; then
            run "${train_cmd[@]}" "${out}/logs/format.log" \
                python -m lmspt.bin.format_data --data "data/${set}" --out "${out}" \
                --sample_rate "${sample_rate}" --nj "${nj}" "${limits[@]}"
            finish
        fi
    done
}

stage_feats() {
    local tok conf feats
    home=${dumpdir}
    for tok in "${toks[@]}"; do
        system_of "${tok}"
        feats=$(feats_of "${conf}")
        if [ -z "${feats}" ]; then log "${tok_tag} reads no stored features"; continue; fi
        unit "${feats##*/}.${tok_train_set}"
        need_raw "${tok_train_set}"
        option teacher "$(value_of "${conf}" teacher "${tok_words[@]}")"
        makes "${feats}/${tok_train_set}/feats.scp"
        writes "${feats}/${tok_train_set}" "${heard}" "$(audio_of "${tok_train_set}")"
        if stale; then
            run "${decode_cmd[@]}" --gpu "${gpus}" "${feats}/logs/feats.${tok_train_set}.log" \
                python -m lmspt.bin.dump_features --config "${conf}" --ngpu "${gpus}" --data "${raw}/${tok_train_set}" \
                --out "${feats}/${tok_train_set}" -- "${tok_words[@]}"
            finish
        fi
    done
}

stage_tok_train() {
    local tok conf feats from_feats trainer trainer_gpus side_by_side=${side_by_side}
    side_by_side=$(at_a_time "${trained}")
    for tok in "${toks[@]}"; do
        system_of "${tok}"
        feats=$(feats_of "${conf}")
        from_feats=() trainer=(python) trainer_gpus=${ngpu}
        unit "${tok_tag}"
        need 0 "${conf}"
        makes "${tok_exp}"/{tok_id,config.yaml}
        if ! is_published "${conf}"; then
            need_raw "${tok_train_set}" "${valid_set}"
            makes "${tok_exp}/model.safetensors"
        else
            trainer_gpus=0
        fi
        writes "${tok_exp}" "${step}" "$(steps_of "${conf}" "${tok_words[@]}")"
        if [ -n "${feats}" ]; then
            need 3 "${feats}/${tok_train_set}/feats.scp"
            from_feats=(--feats "${feats}/${tok_train_set}") trainer_gpus=0
            writes "${tok_exp}" audio "$(audio_of "${tok_train_set}")"
        elif [ "${trainer_gpus}" -gt 1 ]; then
            trainer=(torchrun --standalone --nproc_per_node "${trainer_gpus}" --no-python bound.py python)
        fi
        option tok_args "${tok_args}"
        anew aside "${tok_exp}"
        if stale; then
            resume_script "${tok_exp}"
            log "follow it with: tail -f ${tok_exp}/train.log"
            run_beside "${cuda_cmd[@]}" --gpu "${trainer_gpus}" "${tok_exp}/train.log" \
                "${trainer[@]}" -m lmspt.bin.tok_train --config "${conf}" --out "${tok_exp}" --ngpu $((trainer_gpus > 0)) \
                --train "${raw}/${tok_train_set}" --valid "${raw}/${valid_set}" "${from_feats[@]}" \
                -- "${tok_words[@]}" "${tok_seed_option[@]}"
        fi
    done
}

stage_tok_dump() {
    local tok conf set variants seconds counted=${heard} words
    home=${dumpdir}
    [ "${dump_nj}" -eq 1 ] || counted+=_in_${dump_nj}_jobs
    for tok in "${toks[@]}"; do
        system_of "${tok}"
        for set in "${train_set}" "${valid_set}" "${tests[@]}"; do
            variants=0
            if [ "${set}" = "${train_set}" ]; then variants=${train_variants}; fi
            there 4 "${tok_exp}/tok_id"
            unit "${tok_id}.${set}"    # experiments that have a tokenizer in common have its tokens in common
            need_raw "${set}"
            option variants "${variants}"
            makes "${tokens}/${set}/manifest.json"
            seconds=$(audio_of "${set}")
            writes "${tokens}/${set}" "${counted}" "${seconds:+$((seconds * (variants > 1 ? variants : 1)))}"
            anew rm -rf "${tokens:?}/${set}"
            all_read
            if stale; then
                words=(--tokenizer "${tok_exp}" --data "${raw}/${set}" --ngpu "${gpus}")
                words+=(--out "${tokens}/${set}" --variants "${variants}")
                if [ "${dump_nj}" -eq 1 ]; then
                    run_beside "${decode_cmd[@]}" --gpu "${gpus}" "${tokens}/logs/dump.${set}.log" \
                        python -m lmspt.bin.tok_dump "${words[@]}"
                else
                    OMP_NUM_THREADS=$(threads_each "${dump_nj}") run "${decode_cmd[@]}" --gpu "${gpus}" JOB=1:"${dump_nj}" \
                        "${tokens}/logs/dump.${set}.JOB.log" \
                        python -m lmspt.bin.tok_dump "${words[@]}" --share JOB/"${dump_nj}"
                    run "${train_cmd[@]}" "${tokens}/logs/join.${set}.log" \
                        python -m lmspt.bin.tok_join --tokens "${tokens}/${set}" --shares "${dump_nj}"
                    finish
                fi
            fi
        done
    done
}

stage_tok_eval() {
    local tok conf set out ctm
    for tok in "${toks[@]}"; do
        system_of "${tok}"
        for set in "${valid_set}" "${tests[@]}"; do
            out=${tok_exp}/eval/${set}
            unit "${tok_tag}.${set}"
            need 4 "${tok_exp}/tok_id"
            need 5 "${tokens}/${set}/manifest.json"
            need_raw "${set}"
            option max_eval_utts "${max_eval_utts}"
            makes "${out}/tokens.json"
            writes "${out}" "${spoken}" "$(evaluated_of "${set}")"
            anew rm -rf "${out:?}"
            if stale; then
                run "${decode_cmd[@]}" --gpu "${gpus}" "${out}/logs/tok_eval.log" \
                    python -m lmspt.bin.tok_eval --tokenizer "${tok_exp}" --data "${raw}/${set}" \
                    --tokens "${tokens}/${set}" --out "${out}" --max_utts "${max_eval_utts}" --ngpu "${gpus}"
                if ${dry_run} || [ -e "${out}/all/wav.scp" ]; then
                    run "${train_cmd[@]}" "${out}/logs/codec_score.log" \
                        python -m lmspt.bin.codec_score --ref "${raw}/${set}" --wav "${out}/all" --out "${out}/codec.json"
                else
                    log "${tok_tag} cannot decode: no codec scores"
                fi
                finish
            fi
        done
        for set in "${tests[@]}"; do
            out=${tok_exp}/eval/${set}
            unit "${tok_tag}.${set}.probes"
            need 5 "${tokens}"/{"${train_set}","${set}"}/manifest.json
            need_raw "${train_set}" "${set}"
            also "data/${set}/ctm"
            makes "${out}/probes.json"
            writes "${out}/probes.json" audio "$(audio_of "${set}")"
            if stale; then
                ctm=()
                if [ -e "data/${set}/ctm" ]; then ctm=(--ctm "data/${set}/ctm"); fi
                run "${train_cmd[@]}" "${out}/logs/tok_probe.log" \
                    python -m lmspt.bin.tok_probe --data "${raw}/${set}" --tokens "${tokens}/${set}" "${ctm[@]}" \
                    --train_data "${raw}/${train_set}" --train_tokens "${tokens}/${train_set}" --out "${out}/probes.json"
                finish
            fi
        done
    done
}

stage_slm_data() {
    local tok slm_conf
    for tok in "${toks[@]}"; do
        for slm_conf in "${slm_confs[@]}"; do make_slm_data "${tok}:${slm_conf}:"; done
    done
}

# Data of the language model of cell $1; its seeds have them in common.
make_slm_data() {
    local conf slm_conf seconds
    cell_of "$1"
    row=${tok_tag}
    unit "${slm_name}"
    need 0 "${slm_conf}"
    need 5 "${tokens}"/{"${train_set}","${valid_set}"}/manifest.json
    need_raw "${train_set}" "${valid_set}"
    option slm_args "${slm_args}"
    makes "${slm_data}"/vocab.json
    seconds=$(audio_of "${train_set}")
    writes "${slm_data}" audio "${seconds:+$((seconds * (train_variants > 1 ? train_variants : 1)))}"
    anew rm -rf "${slm_data:?}"
    if stale; then
        run "${train_cmd[@]}" "${slm_data}/logs/slm_data.log" \
            python -m lmspt.bin.slm_data --config "${slm_conf}" --tokens "${tokens}" --raw "${raw}" \
            --train "${train_set}" --valid "${valid_set}" --out "${slm_data}" -- "${slm_words[@]}"
        finish
    fi
}

stage_slm_train() {
    local cell trainer=(python) side_by_side=${side_by_side}
    side_by_side=$(at_a_time "${#cells[@]}")
    [ "${ngpu}" -le 1 ] || trainer=(torchrun --standalone --nproc_per_node "${ngpu}" --no-python bound.py python)
    for cell in "${cells[@]}"; do
        cell_of "${cell}"
        unit "${slm_name}"
        need 0 "${slm_conf}"
        need 7 "${slm_data}"/{vocab.json,train.jsonl,valid.jsonl}
        also "${slm_data}"/{text.model,text}
        need 5 "${tokens}"/{"${train_set}","${valid_set}"}/manifest.json
        option slm_args "${slm_args}"
        makes "${slm_exp}"/{config.yaml,model.safetensors}
        writes "${slm_exp}" "${step}" "$(steps_of "${slm_conf}" "${slm_words[@]}")"
        anew aside "${slm_exp}"
        if stale; then
            resume_script "${slm_exp}"
            log "follow it with: tail -f ${slm_exp}/train.log"
            run_beside "${cuda_cmd[@]}" --gpu "${ngpu}" "${slm_exp}/train.log" \
                "${trainer[@]}" -m lmspt.bin.slm_train --config "${slm_conf}" --data "${slm_data}" --out "${slm_exp}" \
                --tokenizer "${tok_exp}" --ngpu "${gpus}" -- "${slm_words[@]}" "${seed_option[@]}"
        fi
    done
}

stage_asr_decode() {
    local cell set control out
    for cell in "${cells[@]}"; do
        cell_of "${cell}"
        for set in "${tests[@]}"; do
            for control in "" other shuffled; do
                out=${slm_exp}/asr_${set}${control:+_${control}}
                unit "${slm_name}.${set}${control:+_${control}}"
                need 8 "${slm_exp}/model.safetensors"
                need 5 "${tokens}/${set}/manifest.json"
                makes "${out}"/{text,stats.json}
                writes "${out}" "${heard}" "$(audio_of "${set}")"
                if stale; then
                    run_beside "${decode_cmd[@]}" --gpu "${gpus}" "${out}/logs/decode.log" \
                        python -m lmspt.bin.asr_decode --slm "${slm_exp}" --tokens "${tokens}/${set}" --ngpu "${gpus}" \
                        --out "${out}" ${control:+--control "${control}"}
                fi
            done
        done
    done
}

stage_asr_score() {
    local cell set control out
    for cell in "${cells[@]}"; do
        cell_of "${cell}"
        for set in "${tests[@]}"; do
            for control in "" _other _shuffled; do
                out=${slm_exp}/asr_${set}${control}
                unit "${slm_name}.${set}${control}"
                need 9 "${out}/text"
                need 2 "${raw}/${set}"/{text,utt2spk}
                option normalizer "${normalizer}"
                makes "${out}"/{ref.trn,hyp.trn,result.txt,result.json}
                writes "${out}" utterances "$(lines_of "${raw}/${set}/text")"
                if stale; then
                    run "${train_cmd[@]}" "${out}/logs/score.log" \
                        python -m lmspt.bin.asr_score --ref "${raw}/${set}" --hyp "${out}/text" --out "${out}" \
                        --normalizer "${normalizer}"
                    finish
                fi
            done
        done
    done
}

stage_tts_decode() {
    local cell set out
    if [ -z "${judge}" ]; then log "no judge would read it: nothing is spoken"; return; fi
    for cell in "${cells[@]}"; do
        cell_of "${cell}"
        for set in "${tests[@]}"; do
            speaks "${set}" || continue
            out=${slm_exp}/tts_${set}
            unit "${slm_name}.${set}"
            need 0 "${decode_config}"
            need 8 "${slm_exp}/model.safetensors"
            need 5 "${tokens}/${set}/manifest.json"
            need_raw "${set}"
            option decode_args "${decode_args}"
            option max_eval_utts "${max_eval_utts}"
            makes "${out}"/{wav.scp,stats.jsonl}
            writes "${out}" "${spoken}" "$(evaluated_of "${set}")"
            anew rm -rf "${out:?}"
            if stale; then
                run_beside "${decode_cmd[@]}" --gpu "${gpus}" "${out}/logs/decode.log" \
                    python -m lmspt.bin.tts_decode --config "${decode_config}" --slm "${slm_exp}" --tokenizer "${tok_exp}" \
                    --data "${raw}/${set}" --tokens "${tokens}/${set}" --out "${out}" --max_utts "${max_eval_utts}" \
                    --ngpu "${gpus}" -- "${decode_words[@]}"
            fi
        done
    done
}

# Have the judges read the audio of set $1 in $2, which stage $3 made; scores to $4, of the second judge to $4/second.
judge_wavs() {
    read_wavs "$@" "${judge}"
    if [ "${second_judge}" = ctc ]; then
        read_wavs "${@:1:3}" "$4/second" "${expdir}/judge_ctc" --words_only
    elif [ -n "${second_judge}" ]; then
        read_wavs "${@:1:3}" "$4/second" "${second_judge}" --words_only
    fi
}

# Have judge $5 read the audio of set $1 in $2, which stage $3 made; scores to $4. What follows are its options.
read_wavs() {
    local set=$1 wavs=$2 maker=$3 out=$4 judge=$5 counted=utterances
    shift 5
    if [ $# -gt 0 ]; then counted=words; fi    # alone, which takes a fraction of the time
    unit "${out#"${expdir}/"}"
    marker=${home}/.done/${stage_number}_${stage_name}.${tag//\//.}.json
    need "${maker}" "${wavs}/wav.scp"
    need_raw "${set}"
    also "${judge}/model.safetensors"
    option normalizer "${normalizer}"
    option judge "${judge}${language:+ ${language}}${reads_on}"
    option max_eval_utts "${max_eval_utts}"
    makes "${out}/result.json"
    writes "${out}" "${counted}${reads_on// /_}" "$(evaluated_of "${set}")"
    if stale; then
        run_beside "${decode_cmd[@]}" --gpu "${judge_ngpu}" "${out}/logs/tts_score.log" \
            python -m lmspt.bin.tts_score --ref "${raw}/${set}" --wav "${wavs}" --out "${out}" \
            --judge "${judge}" --normalizer "${normalizer}" --max_utts "${max_eval_utts}" --ngpu "${judge_ngpu}" \
            ${language:+--language "${language}"} "$@"
    fi
}

# The second judge knows the words of the training set, from recordings that no test set has.
train_judge() {
    unit judge_ctc
    need_raw "${train_set}"
    makes "${expdir}/judge_ctc"/{judge.json,model.safetensors}
    writes "${expdir}/judge_ctc" runs 1
    if stale; then
        run "${decode_cmd[@]}" "${expdir}/judge_ctc/train.log" \
            python -m lmspt.bin.judge_train --data "${raw}/${train_set}" --out "${expdir}/judge_ctc"
        finish
    fi
}

stage_tts_score() {
    local tok conf cell set kind
    if [ -z "${judge}" ]; then log "there is no judge"; return; fi
    if [ "${second_judge}" = ctc ]; then train_judge; fi
    for set in "${tests[@]}"; do
        row=""
        judge_wavs "${set}" "${raw}/${set}" 2 "${expdir}/groundtruth/${set}"
        for tok in "${toks[@]}"; do
            system_of "${tok}"
            speaks "${set}" || continue
            for kind in all semantic; do
                judge_wavs "${set}" "${tok_exp}/eval/${set}/${kind}" 6 "${tok_exp}/eval/${set}/${kind}"
            done
        done
        for cell in "${cells[@]}"; do
            cell_of "${cell}"
            speaks "${set}" || continue
            judge_wavs "${set}" "${slm_exp}/tts_${set}" 11 "${slm_exp}/tts_${set}"
        done
    done
}

stage_report() {
    local tok cell set systems=() judged=()
    [ -z "${judge}" ] || judged=("${tests[@]/#/"${expdir}/groundtruth/"}")
    unit
    option test_sets "${test_sets}"
    option second_judge "${second_judge}"
    for tok in "${toks[@]}"; do
        system_of "${tok}"
        [ "${#cells[@]}" -gt 0 ] || systems+=("${tok_exp}")
        need 6 "${tok_exp}/eval/${valid_set}/tokens.json"
        for set in "${tests[@]}"; do
            need 6 "${tok_exp}/eval/${set}"/{tokens,probes}.json
            if [ -n "${judge}" ] && speaks "${set}"; then judged+=("${tok_exp}/eval/${set}"/{all,semantic}); fi
        done
    done
    for cell in "${cells[@]}"; do
        cell_of "${cell}"
        systems+=("${slm_exp}")
        for set in "${tests[@]}"; do
            need 10 "${slm_exp}/asr_${set}"{,_other,_shuffled}/result.json
            if [ -n "${judge}" ] && speaks "${set}"; then judged+=("${slm_exp}/tts_${set}"); fi
        done
    done
    need 12 "${judged[@]/%//result.json}"
    if [ -n "${second_judge}" ]; then need 12 "${judged[@]/%//second/result.json}"; fi
    row=""
    makes "${resultsdir}"/{RESULTS.md,report.html,benchmark.json,counts.tsv}
    writes "${resultsdir}" runs 1
    if stale; then
        run "${train_cmd[@]}" "${expdir}/logs/report.log" \
            python -m lmspt.bin.report --systems "${systems[@]}" --sets "${test_sets}" --valid "${valid_set}" \
            --tokens "${dumpdir}/tokens" ${second_judge:+--second_judge} \
            ${judge:+--groundtruth "${expdir}/groundtruth"} --raw "${raw}" --out "${resultsdir}" \
            --done data/.done "${dumpdir}/.done" "${expdir}/.done"
        if ! ${dry_run}; then log "see ${resultsdir}/RESULTS.md; listen in ${resultsdir}/report.html"; fi
        finish
    fi
}

stage_pack() {
    local cell archive
    for cell in "${cells[@]}"; do
        cell_of "${cell}"
        archive=${expdir}/pack/slm_${slm_name}.tar.gz
        unit "${slm_name}"
        need 4 "${tok_exp}/tok_id"
        need 8 "${slm_exp}/model.safetensors"
        need 13 "${resultsdir}/benchmark.json"
        makes "${archive}"
        writes "${archive}" runs 1
        if stale; then
            run "${train_cmd[@]}" "${expdir}/logs/pack.slm_${slm_name}.log" \
                python -m lmspt.bin.pack --slm "${slm_exp}" --tokenizer "${tok_exp}" \
                --results "${resultsdir}" --out "${archive}"
            finish
        fi
    done
}

run_stages
log "Successfully finished. [elapsed=${SECONDS}s]"
