"""What the machine does to a recipe: a full disk, a folder that cannot be written, no memory, no program, jobs on a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.data.folders import UTTS, sound_dir
from tests.utils.shell import ROOT, UTILS
from tests.utils.test_slm_sh import calls, make_recipe, names, slm

MOUNTS = subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0
needs_mounts = pytest.mark.skipif(not MOUNTS, reason="unshare -rm may not mount here: no small disk can be made to fill")


def mounted(script: str, *words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A bash script that may mount: in a namespace of its own, gone with it."""
    command = ["unshare", "-rm", "bash", "-e", "-c", script, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=280)


@needs_mounts
def test_full_disk(tmp_path: Path) -> None:
    sound_dir(tmp_path / "data", seconds=2)  # three recordings of about 60 kB as FLAC
    (tmp_path / "out").mkdir()
    script = """
        format=(run.py out/logs/format.log python -m lmspt.bin.format_data --data data --out out)
        mount -t tmpfs -o size=100k tmpfs out
        "${format[@]}" && exit 99
        ls -A out/wav > first
        mount -o remount,size=4m out
        "${format[@]}"
        ls -A out/wav > second
        cat out/utt2num_samples
        """
    done = mounted(f"PATH={UTILS}:$PATH\n{script}", cwd=tmp_path)
    assert "No space left on device; free some space, then run the same command again" in done.stderr
    assert "run.py: the command was: python -m lmspt.bin.format_data --data data --out out" in done.stderr
    assert (done.returncode, done.stdout) == (0, "".join(f"{utt} 32000\n" for utt in UTTS)), done.stderr
    assert set((tmp_path / "first").read_text().split()) < {f"{utt}.flac" for utt in UTTS}, "a file that is not whole was left"
    assert (tmp_path / "second").read_text().split() == [f"{utt}.flac" for utt in UTTS]


@needs_mounts
def test_full_disk_under_the_markers(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path)
    script = """
        mkdir data
        mount -t tmpfs -o size=16k tmpfs data
        mkdir data/.done
        head -c 100000 /dev/zero > data/fill || true
        ./slm.sh --tok_list conf/tok/resynthesis.yaml --stop_stage 1
        """
    done = mounted(script, cwd=recipe)
    assert done.returncode != 0
    assert "No space left on device" in done.stderr
    assert calls(recipe) == []


@needs_mounts
def test_read_only_folder(tmp_path: Path) -> None:
    sound_dir(tmp_path / "data")
    (tmp_path / "out").mkdir()
    script = "mount -t tmpfs -o ro tmpfs out; python -m lmspt.bin.format_data --data data --out out"
    done = mounted(script, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "error: out/wav: Read-only file system; choose a folder that can be written to (--dumpdir, --expdir, --resultsdir), "
        "then run the same command again"
    )


def test_out_of_memory(tmp_path: Path) -> None:
    sound_dir(tmp_path / "data", seconds=300)  # 19 MB as it is read
    program = """
        import resource
        from pathlib import Path
        import lmspt.data.format
        from lmspt.bin.format_data import main
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + (16 << 20)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        main(["--data", "data", "--out", "out"])
        """
    command = [sys.executable, UTILS / "run.py", "log", sys.executable, "-c", dedent(program)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 1
    assert "memory" in done.stderr.lower()
    assert not (tmp_path / "out/text").exists()


def test_missing_program(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path)
    (recipe / "cmd.sh").write_text("train_cmd=queue.pl cuda_cmd=queue.pl decode_cmd=queue.pl\n")
    done = slm(recipe, "--stop_stage", "2")
    assert done.returncode == 1
    assert "queue.pl: command not found" in done.stderr
    assert "error: stage 2 (format) of train stopped with status 127" in done.stderr


def test_recipe_on_a_cluster(tmp_path: Path) -> None:
    recipe = make_recipe(tmp_path / "repository")
    for name in ("sbatch", "squeue", "sacct", "scancel"):
        shutil.copy(ROOT / "tests/utils/stub_slurm.py", tmp_path / "repository/bin" / name)
    (tmp_path / "cluster").mkdir()
    environment = {"cmd_backend": "slurm", "SLURM_STUB": str(tmp_path / "cluster")}
    done = slm(recipe, "--stop_stage", "5", "--ngpu", "1", FAIL="tok_dump", **environment)
    assert done.returncode == 1
    assert "slurm.py: the last lines of dump/tokens/" in done.stderr and "    tok_dump is told to fail" in done.stderr
    calls(recipe)
    assert slm(recipe, "--stop_stage", "5", "--ngpu", "1", **environment).returncode == 0
    assert names(calls(recipe)) == ["tok_dump"]
    jobs = [line for line in (tmp_path / "cluster/calls.txt").read_text().splitlines() if line.startswith("sbatch")]
    (train,) = (line for line in jobs if "tok_resynthesis/train.log" in line)
    assert " --mem=16G --cpus-per-task=4 --gres=gpu:1 --output=exp/tok_resynthesis/train.log " in train
