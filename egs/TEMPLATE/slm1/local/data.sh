#!/usr/bin/env bash
# Stage 1: write data/<set>/{wav.scp,text,utt2spk} for the train, dev and test sets that run.sh names.
#
# wav.scp   <utt> <path of an audio file of any rate and format, or "command |" that writes one>
# text      <utt> <what is said>
# utt2spk   <utt> <speaker>
# segments  <utt> <recording> <begin> <end>, in seconds; only if wav.scp has whole recordings
#
# Every file has one line an utterance, in byte order (LC_ALL=C sort).
set -euo pipefail

# no options yet: write them here, each with a comment, and give them as slm.sh --local_data_opts "--name value"
. utils/parse_options.sh
. ./db.sh
. ./path.sh

echo "$0: write me: how does ${MYCORPUS} become data/train, data/dev and data/test?" >&2
exit 1
