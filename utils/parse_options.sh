# Command-line options of a shell script, with the manners of Kaldi's parse_options.sh. To be sourced.
# (c) the lmspt authors, Apache-2.0.
#
# The options of a script are the variables that it sets, at the start of a line, above the line
# ". utils/parse_options.sh". Their trailing comments are the help text:
#
#   # Training
#   nj=4              # parallel jobs
#   resume=true       # go on from the last checkpoint
#                     # (a second line of help)
#
# --name value, --name=value; --a-b is --a_b. A name that is not such a variable is an error. An option whose
# default is true or false takes nothing else; alone (at the end or before another option) it means true.
# --config FILE (more of the same assignments) is read before the rest. --help prints the comment at the head
# of the script and the options; "--" ends the options. What is left over stays in "$@".

# Option names, in order, of the file $1 up to line $2.
_po_names() {
    local line number=0
    while IFS= read -r line; do
        number=$((number + 1))
        [ "${number}" -lt "$2" ] || break
        if [[ ${line} =~ ^([A-Za-z_][A-Za-z0-9_]*)= ]]; then echo "${BASH_REMATCH[1]}"; fi
    done < "$1"
}

# The help text of the file $1, whose options end at line $2.
_po_help() {
    local line number=0 name head=true
    while IFS= read -r line; do
        number=$((number + 1))
        [ "${number}" -lt "$2" ] || break
        [ "${number}" -gt 1 ] || continue   # "#!"
        if ${head}; then
            if [[ ${line} == "#"* ]]; then line=${line#"#"}; echo "${line# }"; else head=false; printf '\nOptions:\n'; fi
        elif [[ ${line} =~ ^([A-Za-z_][A-Za-z0-9_]*)=.*[[:space:]]'# ' ]]; then
            name=${BASH_REMATCH[1]}
            printf '  --%-18s %s (default: "%s")\n' "${name}" "${line#*[[:space:]]# }" "${!name}"
        elif [[ ${line} =~ ^[[:space:]]+'# '(.*)$ ]]; then
            printf '    %-18s %s\n' "" "${BASH_REMATCH[1]}"
        elif [[ ${line} =~ ^'# '(.*)$ ]]; then
            printf '\n%s\n' "${BASH_REMATCH[1]}"
        fi
    done < "$1"
}

_po_die() { echo "$0: $*" >&2; exit 1; }

# Stop, because $1 is no option ($2 says where it stood); name the nearest one.
_po_unknown() {
    local nearest
    nearest=$(python3 -c 'import difflib, sys
print(*("--" + name for name in difflib.get_close_matches(sys.argv[1], sys.argv[2:], 1, 0.5)))' "$1" "${_po_options[@]}")
    _po_die "invalid option --$1$2${nearest:+; the nearest is ${nearest}} (--help lists all)"
}

_po_require() { [[ " ${_po_options[*]} " == *" $1 "* ]] || _po_unknown "$1" "$2"; }

_po_source=${BASH_SOURCE[1]}
_po_end=${BASH_LINENO[0]}
mapfile -t _po_options <<< "$(_po_names "${_po_source}" "${_po_end}")"
_po_booleans=()
for _po_name in "${_po_options[@]}"; do
    if [[ ${!_po_name} == true || ${!_po_name} == false ]]; then _po_booleans+=("${_po_name}"); fi
done

# first pass: the config file, so that the command line wins over it
for ((_po_i = 1; _po_i <= $#; _po_i++)); do
    _po_config=
    case ${!_po_i} in
        --) break ;;
        --config) _po_next=$((_po_i + 1)); _po_config=${!_po_next:-"(none)"} ;;
        --config=*) _po_config=${!_po_i#--config=} ;;
    esac
    [ -n "${_po_config}" ] || continue
    [ -r "${_po_config}" ] || _po_die "cannot read the file of --config: ${_po_config}"
    for _po_name in $(_po_names "${_po_config}" 1000000); do _po_require "${_po_name}" " in ${_po_config}"; done
    # shellcheck disable=SC1090  # a file of the user
    . "${_po_config}"
done

while [[ ${1:-} == -* ]]; do
    case $1 in
        -h | --help) _po_help "${_po_source}" "${_po_end}"; exit 0 ;;
        --) shift; break ;;
        --*) ;;
        *) _po_die "invalid option $1 (options begin with two dashes; --help lists all)" ;;
    esac
    _po_name=${1%%=*}
    _po_name=${_po_name#--}
    _po_name=${_po_name//-/_}
    [ "${_po_name}" = config ] || _po_require "${_po_name}" ""
    if [[ $1 == *=* ]]; then
        _po_value=${1#*=}
    elif [[ " ${_po_booleans[*]} " == *" ${_po_name} "* && ( $# -eq 1 || ${2:-} == --* ) ]]; then
        _po_value=true
    else
        [ $# -gt 1 ] || _po_die "option $1 needs a value"
        _po_value=$2
        shift
    fi
    shift
    [ "${_po_name}" = config ] || printf -v "${_po_name}" '%s' "${_po_value}"
done

for _po_name in "${_po_booleans[@]}"; do
    case ${!_po_name} in
        true | false) ;;
        *) _po_die "option --${_po_name} is true or false, not \"${!_po_name}\"" ;;
    esac
done
unset "${!_po_@}"
