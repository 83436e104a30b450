# Where the corpus lies on this machine; to be sourced by local/data.sh. A variable that is already set is kept.
# shellcheck disable=SC2034
MYCORPUS=${MYCORPUS:-}    # its folder
