#!/usr/bin/env bash
# Stage 1 of asterisk: the prompts of Asterisk's core sounds, and what its telephone says by joining them.
#
# The sounds come from Debian's packages (apt-get download, no root), elsewhere from the Asterisk project's archives.
# downloads/<lang>/ has what was fetched, its SHA256SUMS, and what was in it; one that is there is not fetched again.
set -euo pipefail

langs="en"    # languages: en and any of es fr it ru
said=3000     # joined utterances in train

. utils/parse_options.sh
. ./path.sh

version=1.6.1    # of the project's archives; Debian's packages follow it
url=https://downloads.asterisk.org/pub/telephony/sounds/releases

# Debian's packages of language $1, unpacked into folder $2.
from_debian() {
    local file packages=("asterisk-core-sounds-$1" "asterisk-core-sounds-$1-g722")
    command -v apt-get > /dev/null && command -v dpkg-deb > /dev/null || return 1
    if ! download "$2" "${packages[@]}"; then
        if [ "$(id -u)" -ne 0 ]; then
            echo "$0: apt-get cannot download ${packages[*]}: if its lists are missing or old, run 'apt-get update' as root" >&2
            return 1
        fi
        echo "$0: apt-get cannot download ${packages[*]} yet: apt-get update" >&2
        apt-get -qq update && download "$2" "${packages[@]}" || return 1
    fi
    for file in "$2"/*.deb; do dpkg-deb -x "${file}" "$2" || return 1; done
}

# as root, apt-get would fetch as a user who may not write here
download() { (cd "$1" && apt-get -qq -o APT::Sandbox::User=root download "${@:2}"); }

# The project's archive of language $1, which has the transcripts too, unpacked into folder $2.
from_project() {
    local file=asterisk-core-sounds-$1-g722-${version}.tar.gz
    command -v curl > /dev/null || { echo "$0: curl is missing: install it" >&2; return 1; }
    echo "$0: fetching ${url}/${file}"
    (
        cd "$2" \
            && curl -fsSL --retry 3 -o "${file}" "${url}/${file}" \
            && curl -fsSL --retry 3 -o "${file}.sha1" "${url}/${file}.sha1" \
            && sha1sum -c --quiet "${file}.sha1" \
            && tar -xzf "${file}"
    )
}

# downloads/$1: it has its name when it is whole
fetch() {
    local into=downloads/$1 new=downloads/.$1.part
    if [ -d "${into}" ]; then return; fi
    rm -rf "${new}"
    mkdir -p "${new}"
    if ! from_debian "$1" "${new}"; then
        rm -rf "${new}"
        mkdir -p "${new}"
        from_project "$1" "${new}" || {
            echo "$0: cannot fetch the sounds of '$1': unpack asterisk-core-sounds-$1-g722-${version}.tar.gz" \
                "(from ${url}, on another machine) into ${into}/" >&2
            exit 1
        }
    fi
    (cd "${new}" && find . -maxdepth 1 \( -name '*.deb' -o -name '*.tar.gz' \) -exec sha256sum {} + > SHA256SUMS)
    mv "${new}" "${into}"
    echo "$0: ${into}"
    cat "${into}/SHA256SUMS"
}

read -ra languages <<< "${langs}"
for lang in "${languages[@]}"; do
    case ${lang} in
        en | es | fr | it | ru) ;;
        *) echo "$0: --langs: '${lang}' is not one of en es fr it ru" >&2; exit 1 ;;
    esac
done
[[ " ${languages[*]} " == *" en "* ]] || { echo "$0: --langs '${langs}': en must be among them" >&2; exit 1; }
for lang in "${languages[@]}"; do fetch "${lang}"; done
python local/prepare.py --downloads downloads --langs "${languages[@]}" --said "${said}" --out data
