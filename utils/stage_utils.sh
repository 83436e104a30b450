# How a staged script runs its stages. To be sourced by a script that sets
#   stages=("name  what it does" ...)      in order, numbered from 1; stage "name" is the function stage_name
#   stage stop_stage skip_stages dry_run expdir      its options
# and then calls run_stages. A stage is one or more units of work (one for each tokenizer, set ...):
#
#   unit "${tag}"                         a new unit, marker ${expdir}/.done/<n>_<name>.<tag>.json
#   need 2 dump/raw/train/text ...        inputs, and the stage that writes them (0: the user)
#   also data/train/segments ...          inputs that need not be there
#   option tok_args "${tok_args}"         what else decides the result
#   makes exp/tok/model.safetensors ...   outputs
#   if stale; then
#       if ${changed}; then aside exp/tok; fi       what is there belongs to other inputs or options
#       run command ...
#       finish
#   fi
#
# With --dry_run nothing is run or written: stale tells what is done, run prints its command, and a table at the end counts
# what is done of each row (row=NAME before a unit; "" is what all share) and stage.

# shellcheck disable=SC2034,SC2154  # variables of the script that sources this

stage_number=0 stage_name=none tag="" changed=false
marker="" inputs=() outputs=() options=() running=()
declare -A renewed=()    # --dry_run: what earlier stages of this run would write
row="" rows=()           # --dry_run: whom the next units belong to, and all of them in order
declare -A units=() finished=()    # --dry_run: how many, by "row stage"

# ESPnet's log line: time, (file:line:function) of the stage that speaks, message.
log() {
    local frame=1
    while [[ ${BASH_SOURCE[frame]} == "${BASH_SOURCE[0]}" ]]; do frame=$((frame + 1)); done
    printf '%(%Y-%m-%dT%H:%M:%S)T (%s:%s:%s) %s\n' -1 \
        "${BASH_SOURCE[frame]##*/}" "${BASH_LINENO[frame - 1]}" "${FUNCNAME[frame]}" "$*"
}

die() { log "error: $*" >&2; exit 1; }

# On any command that fails: the place (log has it), the stage and the command.
stopped() {
    local status=$?
    [ "${BASH_SUBSHELL}" -eq 0 ] || exit "${status}"
    [ "${#running[@]}" -eq 0 ] || { printf 'error: the command was:'; printf ' %q' "${running[@]}"; echo; } >&2
    die "stage ${stage_number} (${stage_name})${tag:+ of ${tag}} stopped with status ${status}"
}

# Number of a stage that is given by name or number.
number_of() {
    local index
    for index in "${!stages[@]}"; do
        if [[ $1 == "${stages[index]%% *}" || $1 == $((index + 1)) ]]; then echo $((index + 1)); return; fi
    done
    if [[ $1 =~ ^[0-9]+$ ]]; then echo "$1"; else die "there is no stage $1: --list_stages shows all"; fi
}

list_stages() {
    local index
    for index in "${!stages[@]}"; do printf '%2d  %s\n' $((index + 1)) "${stages[index]}"; done
}

run_stages() {
    local first last skipped=" " word does
    set -E
    trap stopped ERR
    first=$(number_of "${stage}")
    last=$(number_of "${stop_stage}")
    for word in ${skip_stages}; do skipped+="$(number_of "${word}") "; done
    for ((stage_number = first; stage_number <= last && stage_number <= ${#stages[@]}; stage_number++)); do
        read -r stage_name does <<< "${stages[stage_number - 1]}"
        row=""
        if [[ ${skipped} == *" ${stage_number} "* ]]; then log "stage ${stage_number} (${stage_name}): skipped"; continue; fi
        log "stage ${stage_number} (${stage_name}): ${does}"
        "stage_${stage_name}"
    done
    if ${dry_run}; then show_done; fi
}

# --dry_run: a line a row, a column a stage: how many of its units are done.
show_done() {
    local name number line count
    printf -v line '%-34s' "done, by number of stage"
    for ((number = first; number < stage_number; number++)); do printf -v line '%s%7s' "${line}" "${number}"; done
    echo "${line}"
    for name in "${rows[@]}"; do
        printf -v line '%-34s' "${name:-all}"
        for ((number = first; number < stage_number; number++)); do
            count=${units["${name} ${number}"]:-}
            printf -v line '%s%7s' "${line}" "${count:+${finished["${name} ${number}"]:-0}/${count}}"
        done
        echo "${line}"
    done
}

# --dry_run: note a unit, which is done ($1 is 0) or not.
note_unit() {
    local key="${row} ${stage_number}"
    [[ " ${rows[*]/#/=} " == *" =${row} "* ]] || rows+=("${row}")
    units[${key}]=$((${units[${key}]:-0} + 1))
    if [ "$1" -eq 0 ]; then finished[${key}]=$((${finished[${key}]:-0} + 1)); fi
}

unit() {
    tag=${1:-}
    marker=${expdir}/.done/${stage_number}_${stage_name}${tag:+.${tag}}.json
    inputs=() outputs=() options=() changed=false
}

need() {
    local file maker=$1
    shift
    for file in "$@"; do
        if [ ! -e "${file}" ] && ! ${dry_run}; then
            if [ "${maker}" -eq 0 ]; then die "${file} is missing: it is for you to write"; fi
            die "${file} is missing: run stage ${maker} (${stages[maker - 1]%% *}) first"
        fi
    done
    inputs+=("$@")
}

also() {
    local file
    for file in "$@"; do if [ -e "${file}" ]; then inputs+=("${file}"); fi; done
}

makes() { outputs+=("$@"); }

option() { options+=("$1=$2"); }

# Is the unit to be done? Sets changed. Takes the unit's lock, so that two runs do not work on it at a time.
stale() {
    local why status=0 state=(--marker "${marker}" --inputs "${inputs[@]}" --options "${options[@]}") file
    why=$(stage.py check "${state[@]}" --outputs "${outputs[@]}") || status=$?
    if ${dry_run}; then
        for file in "${inputs[@]}"; do
            if [ -n "${renewed[${file}]:-}" ]; then why=${why:-"${file} will be new"}; status=1; break; fi
        done
        note_unit "${status}"
    fi
    case ${status} in
        0) log "${tag:-it} is done (to do it again: rm ${marker})"; return 1 ;;
        1) changed=false ;;
        3) changed=true ;;
        *) exit "${status}" ;;
    esac
    log "${tag:-it} is to be done: ${why}"
    if ${dry_run}; then
        for file in "${outputs[@]}"; do renewed[${file}]=1; done
        return 0
    fi
    mkdir -p "${expdir}/.done"
    exec 8> "${marker}.lock"
    flock -n 8 || { log "another run is at work on it: waiting up to 15 s for its end"; flock -w 15 8; } \
        || die "another run is still at work on ${marker%.json}"
    stage.py begin "${state[@]}" || exit $?
}

run() {
    if ${dry_run}; then printf '   '; printf ' %q' "$@"; echo; return; fi
    running=("$@")
    "$@"
    running=()
}

# Keep what other inputs or options made, under another name.
aside() {
    [ -e "$1" ] || return 0
    local away
    away=$1.until_$(date +%Y%m%d-%H%M%S)
    run mv "$1" "${away}"
    log "$1 was made from other inputs or options: moved to ${away}"
}

finish() {
    if ${dry_run}; then return; fi
    stage.py "done" --marker "${marker}" --outputs "${outputs[@]}" --command "$0 ${run_args[*]@Q}"
    exec 8>&-
}

# $1/run.sh: the command that takes this stage up again and goes on from there.
resume_script() {
    if ${dry_run}; then return; fi
    mkdir -p "$1"
    printf '#!/usr/bin/env bash\ncd %q\n%q %s --stage %s "$@"\nexit $?\n' \
        "${PWD}" "$0" "${run_args[*]@Q}" "${stage_number}" > "$1/run.sh"
    chmod +x "$1/run.sh"
}

# Array $1 = the words of the text $2, quotes as in a shell.
words_of() {
    local -n array=$1
    array=()
    [[ $2 =~ ^[[:space:]]*$ ]] || mapfile -t array <<< "$(xargs printf '%s\n' <<< "$2")"
}
