# Where the corpus lies on this machine; to be sourced by run.sh and local/data.sh. A variable that is already set is kept.
# shellcheck disable=SC2034
LIBRISPEECH=${LIBRISPEECH:-downloads/LibriSpeech}    # the folder with train-clean-100/ ...; downloads/...: the recipe fetches it
