# Where the corpus lies on this machine; to be sourced by local/data.sh. A variable that is already set is kept.
# shellcheck disable=SC2034
LJSPEECH=${LJSPEECH:-downloads/LJSpeech-1.1}    # folder with metadata.csv and wavs/; downloads/...: the recipe fetches it
