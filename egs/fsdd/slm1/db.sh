# Where the corpus lies on this machine; to be sourced by local/data.sh. A variable that is already set is kept.
# shellcheck disable=SC2034
FSDD=${FSDD:-downloads}    # a clone of github.com/Jakobovski/free-spoken-digit-dataset; downloads: the recipe clones it
