"""utils/stage.py: what makes a stage stale, and what does not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.utils.shell import UTILS, Run

MARKER = "exp/.done/4_tok_train.resynthesis_12.5hz.json"
STATE = ["--marker", MARKER, "--inputs", "conf.yaml", "data", "--options", "args=--lr 1 --x=2", "n="]


@pytest.fixture(autouse=True)
def done_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "conf.yaml").write_text("a: 1\n")
    (tmp_path / "data" / "wav").mkdir(parents=True)
    (tmp_path / "data" / "wav" / "u.flac").write_bytes(b"x")
    (tmp_path / "model").write_text("weights")
    assert run("stage.py", "begin", *STATE).returncode == 0
    done = run("stage.py", "done", "--marker", MARKER, "--outputs", "model", "--command", "./slm.sh --nj 2")
    assert done.returncode == 0


def why(run: Run, *state: str) -> tuple[int, str]:
    done = run("stage.py", "check", *(state or STATE), "--outputs", "model")
    return done.returncode, done.stdout.strip()


def test_done(run: Run, tmp_path: Path) -> None:
    assert why(run) == (0, "")
    record = json.loads((tmp_path / MARKER).read_text())
    assert (record["stage"], record["name"], record["tag"]) == (4, "tok_train", "resynthesis_12.5hz")
    assert record["options"] == {"args": "--lr 1 --x=2", "n": ""}
    assert record["command"] == "./slm.sh --nj 2"
    assert record["sessions"] == 1 and 0 <= record["seconds"] < 60
    assert [path.name for path in (tmp_path / MARKER).parent.iterdir()] == [Path(MARKER).name]


def test_same_content_written_anew_is_not_stale(run: Run, tmp_path: Path) -> None:
    (tmp_path / "conf.yaml").write_text("a: 1\n")
    os.utime(tmp_path / "conf.yaml", (0, 0))
    assert why(run) == (0, "")


def test_changes_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "conf.yaml").write_text("a: 2\n")
    assert why(run) == (3, "conf.yaml changed")
    (tmp_path / "conf.yaml").write_text("a: 1\n")
    (tmp_path / "data" / "wav" / "u.flac").write_bytes(b"xy")
    assert why(run) == (3, "data changed")


def test_changed_options_and_inputs(run: Run) -> None:
    assert why(run, *STATE[:-1], "n=3") == (3, "option n was '', is '3'")
    assert why(run, *STATE[:-1]) == (3, "option n was '', is None")
    more = [*STATE[:5], "model", *STATE[5:]]
    assert why(run, *more) == (3, "model is now an input")


def test_large_files_go_by_size_and_time(run: Run, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"0" * (1 << 20))
    state = ["--marker", "exp/.done/2_format.json", "--inputs", "large"]
    run("stage.py", "begin", *state)
    run("stage.py", "done", "--marker", state[1])
    assert why(run, *state) == (0, "")
    stat = large.stat()
    os.utime(large, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert why(run, *state) == (3, "large changed")


def test_output_gone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "model").unlink()
    assert why(run) == (1, "model missing")
    run("stage.py", "begin", *STATE)
    done = run("stage.py", "done", "--marker", MARKER, "--outputs", "model", "conf.yaml")
    assert done.returncode == 2
    assert done.stderr == "stage.py: the stage ended without an error but did not write model\n"
    assert why(run)[1] == "was not finished"


def test_done_after_a_command(run: Run, tmp_path: Path) -> None:
    run("stage.py", "begin", *STATE)
    done = ["stage.py", "done", "--marker", MARKER, "--outputs", "new", "--parent", str(os.getpid()), "--"]
    assert run(*done, "bash", "-c", "exit 7").returncode == 7
    assert run(*done, "bash", "-c", "kill -TERM $$").returncode == 128 + 15
    assert why(run)[1] == "was not finished"
    note = tmp_path / f"{MARKER}.begun"
    note.write_text(json.dumps({**json.loads(note.read_text()), "began": 0.0}))  # and waited for its place for half a century
    assert run(*done, "touch", "--", "new").returncode == 0
    assert json.loads((tmp_path / MARKER).read_text())["seconds"] < 60
    assert why(run, *STATE, "--outputs", "new") == (0, "")


def test_no_command_for_the_dead(run: Run, tmp_path: Path) -> None:
    """The script may die before its child could ask to die with it."""
    run("stage.py", "begin", *STATE)
    done = run("stage.py", "done", "--marker", MARKER, "--parent", "1", "--", "touch", "new")
    assert (done.returncode, done.stderr) == (2, "stage.py: process 1, which asked for touch, has ended\n")
    assert not (tmp_path / "new").exists() and why(run)[1] == "was not finished"


def test_answers_are_those_of_check(run: Run, tmp_path: Path) -> None:
    asked = [[*STATE, "--outputs", "model"], [*STATE[:-1], "n=1\n2", "--outputs", "gone"], [*STATE, "--outputs", "a", "b"]]
    asked = [["check", *words, "--writes", "exp", "--work", ""] for words in asked]
    said = [run("stage.py", *words) for words in asked]
    assert [alone.returncode for alone in said] == [0, 3, 1]
    command = [sys.executable, str(UTILS / "stage.py"), "answer"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as clerk:
        for words, alone in zip(asked, said, strict=True):
            question = "\0".join([*words, "\n", ""]).encode()
            clerk.stdin.write(question[:40])
            clerk.stdin.write(question[40:])
            answer = b""
            while not answer.endswith(b"\0"):
                answer += clerk.stdout.read(1) or pytest.fail("it has gone without an answer")
            assert answer.decode() == f"{alone.returncode}\n{alone.stdout}".rstrip("\n") + "\0"
    assert clerk.returncode == 0


def test_broken_off_is_taken_up_but_not_with_other_inputs(run: Run, tmp_path: Path) -> None:
    run("stage.py", "begin", *STATE)
    run("stage.py", "begin", *STATE)
    assert why(run) == (1, "was not finished")
    assert why(run, *STATE[:-1], "n=3") == (3, "option n was '', is '3'")
    run("stage.py", "done", "--marker", MARKER)
    assert json.loads((tmp_path / MARKER).read_text())["sessions"] == 2


def test_what_counts_is_the_input_at_the_begin(run: Run, tmp_path: Path) -> None:
    run("stage.py", "begin", *STATE)
    (tmp_path / "conf.yaml").write_text("edited: while it ran\n")
    run("stage.py", "done", "--marker", MARKER)
    assert why(run) == (3, "conf.yaml changed")


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"stage": 4}'])
def test_torn_marker_means_not_done(run: Run, tmp_path: Path, torn: str) -> None:
    (tmp_path / MARKER).write_text(torn)
    assert why(run) == (1, "not done yet")
