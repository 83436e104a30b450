# Where jobs run; to be sourced.
#
# A job runner is any program with the command line of Kaldi's run.pl:
#     RUNNER [--mem 4G] [--time t] [--num_threads n] [--gpu n] [JOB=1:N] LOG command ...
# "local" is ours, utils/run.py. Sites with a scheduler have queue.pl, slurm.pl, pbs.pl or ssh.pl, which read their own
# conf/<name>.conf: put them on PATH in local/path.sh, set cmd_backend=custom and name them here.
cmd_backend=${cmd_backend:-local}

case ${cmd_backend} in
    local)
        export train_cmd="run.py --num_threads 1"    # data, scores
        export cuda_cmd="run.py"                     # training; slm.sh adds --gpu
        export decode_cmd="run.py"                   # tokens, decoding, judging
        ;;
    custom)
        export train_cmd="${train_cmd:?cmd_backend is custom: set train_cmd, e.g. "queue.pl --mem 4G"}"
        export cuda_cmd="${cuda_cmd:-${train_cmd}}"
        export decode_cmd="${decode_cmd:-${train_cmd}}"
        ;;
    *)
        echo "cmd.sh: cmd_backend is local or custom, not \"${cmd_backend}\"" >&2
        exit 1
        ;;
esac
