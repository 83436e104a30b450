# Where corpora lie on this machine; to be sourced by local/data.sh. "downloads" means that the recipe fetches
# the corpus itself into its downloads/ folder. A variable that is already set is kept.
# shellcheck disable=SC2034
MYCORPUS=${MYCORPUS:-downloads}
