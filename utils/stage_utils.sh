# How a staged script runs its stages. To be sourced by a script that sets
#   stages=("name  what it does" ...)      in order, numbered from 1; stage "name" is the function stage_name
#   stage stop_stage skip_stages side_by_side dry_run expdir      its options
# and then calls run_stages. A stage is one or more units of work (one for each tokenizer, set ...):
#
#   home=data                             where its markers lie: beside what is shared; ${expdir}, if a stage does not say
#   unit "${tag}"                         a new unit, marker ${home}/.done/<n>_<name>.<tag>.json
#   need 2 dump/raw/train/text ...        inputs, and the stage that writes them (0: the user)
#   also data/train/segments ...          inputs that need not be there
#   option tok_args "${tok_args}"         what else decides the result
#   makes exp/tok/model.safetensors ...   outputs
#   writes exp/tok steps 1800             the folder that grows, and how much work it is, if known (utils/rates.tsv)
#   all_read                              what other runs of the recipe may be reading, too: not to be replaced under them
#   anew aside exp/tok                    what is to become of what other inputs or options made, before this begins
#   if stale; then
#       run command ...
#       finish
#   fi
#
# A unit of one command may end with "run_beside command ..." instead of run and finish: up to ${side_by_side} such units of a
# stage are then at work at a time, each with its share of the threads, and the stage ends when all have ended.
#
# With --dry_run nothing is run or written: stale tells what is done, run prints its command, and a table at the end counts
# what is done of each row (row=NAME before a unit; "" is what all share) and stage.
#
# Two runs of a recipe may go on side by side: a unit that one is at work on, the other waits for. What several ${expdir} share has
# its markers beside it, and no input that is not shared, so that they know of each other what they have made of it.

# shellcheck disable=SC2034,SC2154  # variables of the script that sources this

stage_number=0 stage_name=none tag="" read_by_all=false
marker="" inputs=() outputs=() options=() clearing=() done_args=() running=() folder="" work=""
to_do=0 unknown=0 all_seconds=0 all_bytes=0    # --dry_run: units, those without an estimate, and the sums of the others
declare -A renewed=()    # --dry_run: what earlier stages of this run would write
row="" rows=()           # --dry_run: whom the next units belong to, and all of them in order
declare -A beside=()     # tags of the units that are at work beside this process, by their processes
failed=()                # tags of those that failed
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
    if [[ $1 =~ ^[0-9]+$ ]]; then echo $((10#$1)); return; fi
    for index in "${!stages[@]}"; do
        if [[ $1 == "${stages[index]%% *}" ]]; then echo $((index + 1)); return; fi
    done
    die "there is no stage $1: --list_stages shows all"
}

# Will stage $1 be run?
reaches() { [ "$(number_of "${stage}")" -le "$(number_of "$1")" ] && [ "$(number_of "$1")" -le "$(number_of "${stop_stage}")" ]; }

list_stages() {
    local index
    for index in "${!stages[@]}"; do printf '%2d  %s\n' $((index + 1)) "${stages[index]}"; done
}

run_stages() {
    local first last skipped=" " word does
    set -E
    trap stopped ERR
    ${dry_run} || sign_in
    first=$(number_of "${stage}")
    last=$(number_of "${stop_stage}")
    [ "${first}" -gt 0 ] || first=1    # a habit from Kaldi
    [ "${first}" -le "${#stages[@]}" ] || die "there is no stage ${stage}: --list_stages shows all"
    [ "${first}" -le "${last}" ] || die "--stop_stage ${stop_stage} comes before --stage ${stage}: nothing would be done"
    for word in ${skip_stages}; do skipped+="$(number_of "${word}") "; done
    for ((stage_number = first; stage_number <= last && stage_number <= ${#stages[@]}; stage_number++)); do
        read -r stage_name does <<< "${stages[stage_number - 1]}"
        row="" home=${expdir}
        if [[ ${skipped} == *" ${stage_number} "* ]]; then log "stage ${stage_number} (${stage_name}): skipped"; continue; fi
        log "stage ${stage_number} (${stage_name}): ${does}"
        "stage_${stage_name}"
        all_ended
    done
    if ${dry_run}; then show_done; show_all; fi
}

# Note that this run goes on, in a file that is locked as long as it does. The kernel unlocks those of the dead.
sign_in() {
    run_file=.runs/${HOSTNAME}.$$
    mkdir -p .runs
    exec 9> "${run_file}.new"
    flock 9
    myself >&9
    mv "${run_file}.new" "${run_file}"
    trap 'rm -f "${run_file}"' EXIT
}

# Who this run is, for those who wait for it.
myself() { printf 'process %s on %s, since %(%Y-%m-%dT%H:%M:%S)T: %s\n' $$ "${HOSTNAME}" -1 "$0 ${run_args[*]@Q}"; }

# The other runs of the recipe that go on.
others() {
    local file
    for file in .runs/*; do
        [[ ${file} != "${run_file}" && ${file} != *.new ]] || continue    # one that is just beginning reads nothing yet
        if flock -n "${file}" true; then rm -f "${file}"; else cat "${file}"; fi
    done
}

# Be the only run at work on the unit.
lock() {
    local holder
    mkdir -p "${home}/.done" && [ -w "${home}/.done" ] || die "cannot write to ${home}: mend its permissions, or choose another folder"
    exec 8<> "${marker}.lock"
    if ! flock -n 8; then
        holder=$(< "${marker}.lock")
        log "${tag:-it}: another run is at work on it: ${holder:-it does not say which}. Waiting for its end"
        flock 8
    fi
    myself > "${marker}.lock"
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

# --dry_run: what all that is not done will take.
show_all() {
    [ "${to_do}" -gt 0 ] || return 0
    echo "to be done: ${to_do} units; $(estimate.py "${all_seconds}" "${all_bytes}")" \
        "for $((to_do - unknown)) of them, not known for ${unknown}"
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
    marker=${home}/.done/${stage_number}_${stage_name}${tag:+.${tag}}.json
    inputs=() outputs=() options=() clearing=() read_by_all=false folder="" work=""
}

# Stop if what stage $1 writes is not there.
there() {
    local file maker=$1
    shift
    for file in "$@"; do
        [ ! -e "${file}" ] || continue
        if [ "${maker}" -eq 0 ]; then die "${file} is missing: it is for you to write"; fi
        ${dry_run} || die "${file} is missing: run stage ${maker} (${stages[maker - 1]%% *}) first"
    done
}

need() {
    there "$@"
    inputs+=("${@:2}")
}

also() {
    local file
    for file in "$@"; do if [ -e "${file}" ]; then inputs+=("${file}"); fi; done
}

makes() { outputs+=("$@"); }

option() { options+=("$1=$2"); }

writes() { folder=$1 work=${3:+$2=$3}; }

all_read() { read_by_all=true; }

anew() { clearing=("$@"); }

# Ask stage.py about the unit: sets status, why and estimate ("<seconds> <bytes> <sentence>").
inspect() {
    local file
    [ -n "${folder}" ] || die "stage ${stage_number} (${stage_name}) does not say what it writes"
    [ -n "${clerk_PID:-}" ] || coproc clerk { exec stage.py answer 8>&- 9>&-; }    # the locks are not its
    printf '%s\0' check "${state[@]}" --outputs "${outputs[@]}" --writes "${folder}" --work "${work}" $'\n' >&"${clerk[1]}"
    IFS=$'\n' read -r -d '' status why estimate <&"${clerk[0]}" || exit 2    # it has said why
    if ${dry_run} && [ "${status}" -eq 0 ]; then
        for file in "${inputs[@]}"; do
            if [ -n "${renewed[${file}]:-}" ]; then why="${file} will be new" status=1 estimate="-1 -1 writes ${folder} anew"; fi
        done
    fi
}

# Is the unit to be done? Takes its lock, so that two runs do not work on it at a time, and clears the way.
stale() {
    local why estimate status file who
    local state=(--marker "${marker}" --inputs "${inputs[@]}" --options "${options[@]}")
    done_args=(--marker "${marker}" --outputs "${outputs[@]}" --writes "${folder}" --command "$0 ${run_args[*]@Q}")
    inspect
    if [ "${status}" -ne 0 ] && ! ${dry_run}; then
        lock
        inspect    # again: another run may have done it meanwhile
    fi
    if ${dry_run}; then note_unit "${status}"; fi
    if [ "${status}" -eq 0 ]; then
        exec 8>&-
        log "${tag:-it} is done (to do it again: rm ${marker})"
        return 1
    fi
    log "${tag:-it} is to be done: ${why}; ${estimate#* * }"
    if ${dry_run}; then
        for file in "${outputs[@]}"; do renewed[${file}]=1; done
        add_up "${estimate}"
        return 0
    fi
    if [ "${status}" -eq 3 ]; then
        if ${read_by_all}; then
            who=$(others)
            [ -z "${who}" ] || die "${folder} would be replaced, and another run may be reading it: ${who}. Wait for its end, or end it"
        fi
        # first, so that one that is killed here does not go on with what is there
        [ "${#clearing[@]}" -eq 0 ] || run "${clearing[@]}"
    fi
    stage.py begin "${state[@]}" --work "${work}" || exit $?
}

# --dry_run: add an estimate to the sums.
add_up() {
    local seconds bytes sentence
    read -r seconds bytes sentence <<< "$1"
    to_do=$((to_do + 1))
    if [ "${seconds}" -lt 0 ]; then unknown=$((unknown + 1)); return; fi
    all_seconds=$((all_seconds + seconds)) all_bytes=$((all_bytes + bytes))
}

run() {
    if ${dry_run}; then printf '   '; printf ' %q' "$@"; echo; return; fi
    running=("$@")
    "$@"
    running=()
}

# Threads of each of $1 commands at a time.
threads_each() {
    local threads=$((${OMP_NUM_THREADS:-$(nproc)} / $1))
    echo $((threads > 0 ? threads : 1))
}

# How many of $1 units are at work at a time.
at_a_time() { echo $(($1 < 1 ? 1 : $1 < side_by_side ? $1 : side_by_side)); }

# As run and finish, beside other units.
run_beside() {
    if ${dry_run} || [ "${side_by_side}" -eq 1 ]; then run "$@"; finish; return; fi
    if [ "${#beside[@]}" -ge "${side_by_side}" ]; then one_ended; fi
    OMP_NUM_THREADS=$(threads_each "${side_by_side}") stage.py "done" "${done_args[@]}" --parent $$ -- "$@" &
    beside[$!]=${tag}
    exec 8>&-    # the unit's lock is theirs now
}

# Wait for the end of a unit beside this process.
one_ended() {
    local process status=0
    wait -n -p process "${!beside[@]}" || status=$?
    [ "${status}" -eq 0 ] || failed+=("${beside[${process}]}")
    unset "beside[${process}]"
}

# Wait for all of them. One that fails does not stop the others: their work is not lost.
all_ended() {
    while [ "${#beside[@]}" -gt 0 ]; do one_ended; done
    [ "${#failed[@]}" -eq 0 ] || die "stage ${stage_number} (${stage_name}) failed for ${failed[*]}"
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
    stage.py "done" "${done_args[@]}"
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
    local words text=$2
    array=()
    [[ ${text} =~ ^[[:space:]]*$ ]] && return
    words=$(xargs printf '%s\n' <<< "${text}" && echo .) || die "quotes do not match in: ${text}"
    mapfile -t array <<< "${words%$'\n'.}"
}
