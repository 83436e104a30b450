# Environment of a recipe; to be sourced from the recipe's directory. Sets the tools up on first use.
MAIN_ROOT=$(cd "${PWD}/../../.." && pwd)
venv=$("${MAIN_ROOT}/tools/setup.sh")
export PATH="${PWD}/utils:${venv}/bin:${PATH}"
export PYTHONPATH="${MAIN_ROOT}${PYTHONPATH:+:${PYTHONPATH}}"
export PYTHONUNBUFFERED=1    # logs can be followed
export PYTHONIOENCODING=UTF-8
export LC_ALL=C              # everything is sorted bytewise
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}     # spinning threads cost each other several times the work
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$(nproc)}    # of a training; parallel jobs get one each (cmd.sh)
if [ -e local/path.sh ]; then . local/path.sh; fi
