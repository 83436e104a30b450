#!/usr/bin/env bash
# Stage 1: write data/<set>/{wav.scp,text,utt2spk} for the train, dev and test sets that run.sh names.
#
# As it stands it reads MYCORPUS (db.sh), which is one of
#   - audio and a table: .csv, .tsv with a header (path, text, perhaps speaker, split, start, end), or LJSpeech's id|text
#   - audio, and beside each file a .txt of its name with what is said
#   - a Kaldi data directory, or a folder of them
# Its options stand below: write yours there, or give them as ./run.sh --local_data_opts "--dev 100 --test 100".
# data/split.tsv then tells which utterance is in which set, data/dropped.tsv what was left out and why.
# For anything else write these files here, one line an utterance, in byte order (LC_ALL=C sort):
#   wav.scp   <utt> <path of an audio file of any rate and format, or "command |" that writes one>
#   text      <utt> <what is said>
#   utt2spk   <utt> <speaker>
#   segments  <utt> <recording> <begin> <end>, in seconds; only if wav.scp has whole recordings
#   channel   one number, only if recordings have several channels
set -euo pipefail

metadata=""       # the table, if it is not the only .csv or .tsv in the corpus
columns=""        # its columns, e.g. "audio=clip text=what is said"; "set=" passes over one
speaker=""        # where no column names speakers: "folder" of the audio, or a regular expression whose group is found in its path
dev=0.05          # size of dev: a share, or from 1 on a number of utterances
test=0.05         # size of test
split_by=auto     # speaker, utterance, or auto: by speaker if three are known
seed=1            # of the draw of dev and test
channel=""        # of recordings that have several: 1, 2, ..., or 0 for their mean
drop_bad=false    # leave out what cannot be used (no text, no audio, silence ...) instead of stopping at it

. utils/parse_options.sh
. ./db.sh
. ./path.sh

if [ -z "${MYCORPUS}" ]; then
    echo "$0: where is the corpus? Name its folder in db.sh: MYCORPUS=\${MYCORPUS:-/path/to/it}" >&2
    exit 1
fi
more=()
if [ -n "${metadata}" ]; then more+=(--metadata "${metadata}"); fi
if ${drop_bad}; then more+=(--drop_bad); fi
python -m lmspt.bin.prepare_data --corpus "${MYCORPUS}" --out data --columns "${columns}" --speaker "${speaker}" \
    --dev "${dev}" --test "${test}" --split_by "${split_by}" --seed "${seed}" "${more[@]}"
for set in data/*/; do
    if [ -n "${channel}" ]; then echo "${channel}" > "${set}channel"; fi
    if ${drop_bad}; then python -m lmspt.bin.fix_data --read-audio "${set%/}"; fi
done
