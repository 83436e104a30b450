# Where jobs run; to be sourced.
#
# A job runner is any program with the command line of Kaldi's run.pl:
#     RUNNER [--mem 4G] [--time t] [--num_threads n] [--gpu n] [JOB=1:N] LOG command ...
# local    utils/run.py: this machine. A GPU job gets GPUs of its own (CUDA_VISIBLE_DEVICES).
# slurm    utils/slurm.py: conf/slurm.conf turns the options into your cluster's (partition, account, walltime ...).
# custom   your site's queue.pl, pbs.pl, ssh.pl ...: put it on PATH in local/path.sh and name it in train_cmd.
cmd_backend=${cmd_backend:-local}

case ${cmd_backend} in
    local)
        export train_cmd="run.py --num_threads 1"    # data, scores
        export cuda_cmd="run.py"                     # training; slm.sh adds --gpu
        export decode_cmd="run.py"                   # tokens, decoding, judging
        ;;
    slurm)
        export train_cmd="slurm.py --mem 4G --num_threads 1"
        export cuda_cmd="slurm.py --mem 16G --num_threads 4"
        export decode_cmd="slurm.py --mem 8G --num_threads 2"
        ;;
    custom)
        export train_cmd="${train_cmd:?cmd_backend is custom: set train_cmd, e.g. "queue.pl --mem 4G"}"
        export cuda_cmd="${cuda_cmd:-${train_cmd}}"
        export decode_cmd="${decode_cmd:-${train_cmd}}"
        ;;
    *)
        echo "cmd.sh: cmd_backend is local, slurm or custom, not \"${cmd_backend}\"" >&2
        exit 1
        ;;
esac
