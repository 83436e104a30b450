"""utils/estimate.py: what a unit will take, from what was measured, and honest about where from."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.utils.shell import UTILS, Run

sys.path.insert(0, str(UTILS))
import estimate

sys.path.remove(str(UTILS))

HERE = {"sessions": 1, "host": socket.gethostname(), "name": "slm_train", "tag": "a_small"}


@pytest.fixture
def recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty recipe, which is the current folder."""
    folder = tmp_path / "egs/toy/slm1"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return folder


def leave(folder: Path, marker: str, **record: object) -> None:
    path = folder / "exp/.done" / marker
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**HERE, **record}))


def plan(name: str = "8_slm_train.a_small.json", **work: float) -> str:
    return estimate.plan(Path("exp/.done") / name, "exp/slm_a_small", work)


def test_rates_of_the_table(recipe: Path) -> None:
    assert plan(steps=1000) == "475 68000000 writes exp/slm_a_small: about 68 MB, 8 min (as on two cores, utils/rates.tsv)"
    assert plan(steps_on_2_gpus=1000) == "-1 -1 writes exp/slm_a_small: nothing like it was measured"
    assert plan() == "-1 -1 writes exp/slm_a_small: how much there is to do is not known yet"


def test_the_same_unit_before_anything_else(recipe: Path) -> None:
    leave(recipe, "8_slm_train.b_small.json", tag="b_small", work={"steps": 9000}, seconds=90005.0, bytes=9)
    leave(recipe.parents[1] / "other/slm1", "8_slm_train.a_small.json", work={"steps": 100}, seconds=105.0, bytes=1000)
    assert plan(steps=200) == "205 1000 writes exp/slm_a_small: about 1.0 kB, 3 min (as slm_train of a_small here)"
    leave(recipe, "8_slm_train.a_small.json", work={"steps": 100}, seconds=25.0, bytes=1000)
    assert plan(steps=200).startswith("45 1000 ")  # what starts once, 5 s and the weights, is not doubled
    assert plan("8_slm_train.c_small.json", steps=900).endswith("(as slm_train of b_small here)")


@pytest.mark.parametrize("spoilt", [{"host": "elsewhere"}, {"sessions": 2}, {"work": {"audio": 9}}, {"work": {}}])
def test_what_does_not_count(recipe: Path, spoilt: dict[str, object]) -> None:
    leave(recipe, "8_slm_train.a_small.json", **{"work": {"steps": 100}, "seconds": 1.0, "bytes": 1, **spoilt})
    assert "rates.tsv" in plan(steps=200)


def test_another_corpus_says_nothing_about_this_one(recipe: Path) -> None:
    leave(recipe.parents[1] / "other/slm1", "1_data.json", name="data", tag="", work={"runs": 1}, seconds=900.0, bytes=1)
    assert plan("1_data.json", runs=1).startswith("-1 -1 ")
    leave(recipe, "1_data.json", name="data", tag="", work={"runs": 1}, seconds=9.0, bytes=1000)
    assert plan("1_data.json", runs=1) == "9 1000 writes exp/slm_a_small: about 1.0 kB, 9 s (as data here)"


def test_too_little_space(recipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "free", lambda folder: 2_500_000)
    assert plan(steps=1).endswith("; ONLY 2.5 MB ARE FREE THERE")


def test_every_stage_has_a_rate() -> None:
    stages = {stage for stage, _ in estimate.read_rates()}
    script = (UTILS.parent / "egs/TEMPLATE/slm1/slm.sh").read_text()
    assert stages == {line[6:-4] for line in script.splitlines() if line.startswith("stage_") and line.endswith("() {")} - {"data"}


def test_marker_says_what_was_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_bytes(b"0" * 500)
    os.utime(tmp_path / "out/old", (0, 0))
    marker = ["--marker", "exp/.done/2_format.train.json"]
    assert run("stage.py", "begin", *marker, "--work", "recordings=3").returncode == 0
    (tmp_path / "out/new").write_bytes(b"0" * 300)
    assert run("stage.py", "done", *marker, "--writes", "out").returncode == 0
    record = json.loads((tmp_path / "exp/.done/2_format.train.json").read_text())
    assert (record["bytes"], record["work"], record["host"]) == (300, {"recordings": 3.0}, socket.gethostname())


def test_as_one_would_say_it(run: Run) -> None:
    assert run("estimate.py", "5400", "531000000000").stdout == "about 531 GB and 1.5 h\n"
    assert run("estimate.py", "89", "0").stdout == "about 0.0 kB and 89 s\n"
