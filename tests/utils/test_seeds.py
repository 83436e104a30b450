"""Several seeds of the language model: a cell for each, taken up one by one; what they share is done once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from tests.utils.test_slm_sh import calls, make_recipe, slm


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe where all stages have been done with two seeds."""
    folder = make_recipe(tmp_path_factory.mktemp("seeds"))
    assert slm(folder, "--seeds", "1 2", "--slm_args", "--lr 1e-3").returncode == 0
    return folder


def test_only_what_is_missing_is_done(recipe: Path) -> None:
    calls(recipe)
    assert slm(recipe, "--seeds", "1 2 3", "--slm_args", "--lr 1e-3").returncode == 0
    lines = calls(recipe)
    assert Counter(line.split()[0] for line in lines) == {
        "slm_train": 2, "asr_decode": 6, "asr_score": 6, "tts_decode": 1, "tts_score": 1, "report": 1, "pack": 6,
    }  # fmt: skip
    trained = [line for line in lines if line.startswith("slm_train")]
    assert all(line.endswith(" -- --lr 1e-3 --seed 3") for line in trained)
    assert [re.search(r"--out (\S+)", line)[1] for line in trained] == [
        "exp/slm_resynthesis_small_s3",
        "exp/slm_kmeans_small_s3",
    ]
    (report,) = (line for line in lines if line.startswith("report"))
    assert re.findall(r"exp/slm_\w+_s\d", report) == [
        f"exp/slm_{tok}_small_s{n}" for tok in ("resynthesis", "kmeans") for n in (1, 2, 3)
    ]


def test_table_of_what_is_done(recipe: Path) -> None:
    plan = slm(recipe, "--seeds", "1 9", "--slm_args", "--lr 1e-3", "--dry_run", "--stage", "8", "--stop_stage", "10").stdout
    table = plan[plan.index("done, by number of stage") :].splitlines()
    assert table[0].split()[-3:] == ["8", "9", "10"]
    rows = {line.split()[0]: line.split()[1:] for line in table[1:5]}
    assert rows == {
        "resynthesis_small_s1": ["1/1", "3/3", "3/3"],
        "resynthesis_small_s9": ["0/1", "0/3", "0/3"],
        "kmeans_small_s1": ["1/1", "3/3", "3/3"],
        "kmeans_small_s9": ["0/1", "0/3", "0/3"],
    }
    assert calls(recipe) == []


def test_a_second_judge_reads_what_the_first_one_has_read(recipe: Path) -> None:
    options = ("--seeds", "1", "--slm_args", "--lr 1e-3", "--second_judge", "ctc", "--stage", "12", "--stop_stage", "13")
    calls(recipe)
    assert slm(recipe, *options).returncode == 0
    lines = calls(recipe)
    # recordings, two resyntheses, and one language model that speaks
    assert Counter(line.split()[0] for line in lines) == {"judge_train": 1, "tts_score": 4, "report": 1}
    assert all(
        "/second --judge exp/judge_ctc " in line and "--words_only" in line for line in lines if line.startswith("tts_score")
    )
    assert " --second_judge " in lines[-1]
    assert slm(recipe, *options).returncode == 0
    assert calls(recipe) == []


def test_tokenizers_that_are_trained_have_seeds_too(recipe: Path) -> None:
    (recipe / "conf/tok/lyra.yaml").write_text("tokenizer: lyra\npath: somewhere\n")
    options = ("--tok_list", "conf/tok/resynthesis.yaml conf/tok/lyra.yaml", "--tok_seeds", "1 2", "--seeds", "3", "--dry_run")
    plan = [line.split() for line in slm(recipe, *options).stdout.splitlines() if "lmspt.bin." in line]
    trained = [(line[line.index("--out") + 1], line[line.index("--") + 1 :]) for line in plan if "lmspt.bin.tok_train" in line]
    assert trained == [
        ("exp/tok_resynthesis_t1", ["--seed", "1"]),
        ("exp/tok_resynthesis_t2", ["--seed", "2"]),
        ("exp/tok_lyra", []),
    ]
    (report,) = (line for line in plan if "lmspt.bin.report" in line)
    assert [word for word in report if word.startswith("exp/slm_")] == [
        f"exp/slm_{tok}_small_s3" for tok in ("resynthesis_t1", "resynthesis_t2", "lyra")
    ]
