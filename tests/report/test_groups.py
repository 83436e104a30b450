"""Systems that differ in their seeds alone are one row, whichever of the two trainings the seed is of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lmspt.report.groups import groups_of
from lmspt.report.results import read_experiment
from lmspt.report.system import System
from tests.report.experiment import make_experiment


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> list[System]:
    """Two trainings of one tokenizer, two language models on each."""
    paths = make_experiment(tmp_path_factory.mktemp("egs"))
    system = read_experiment(paths.systems, paths.sets, "dev", paths.exp / "groundtruth", [paths.exp / ".done"]).systems[0]
    return [
        replace(
            system,
            name=f"resynthesis_12.5hz_t{tok}_small_s{slm}",
            tokenizer=Path(f"exp/tok_resynthesis_12.5hz_t{tok}"),
            tok_id=f"resynthesis_12.5hz_t{tok}-0123abcd",
            config={**system.config, "seed": tok},
            slm_config={**system.slm_config, "seed": slm},
        )
        for tok in (1, 2)
        for slm in (1, 2)
    ]


def test_seeds_of_tokenizers_and_of_language_models_are_pooled(systems: list[System]) -> None:
    (group,) = groups_of(systems, ("test",))
    assert group.name == "resynthesis_12.5hz_small"
    rows = {task: len(group.errors("test", task).errors) for task in ("asr", "tts", "all")}
    assert rows == {"asr": 4, "tts": 4, "all": 2}  # what a tokenizer resynthesises knows no language model


def test_a_name_keeps_the_seeds_that_all_have(systems: list[System]) -> None:
    names = [groups_of(chosen, ("test",))[0].name for chosen in (systems[:2], systems[::2], systems[:1])]
    assert names == ["resynthesis_12.5hz_t1_small", "resynthesis_12.5hz_small", "resynthesis_12.5hz_t1_small_s1"]


def test_other_configurations_are_other_groups(systems: list[System]) -> None:
    first, second, *_ = systems
    assert len(groups_of([first, replace(second, slm_config={**second.slm_config, "dim": 9})], ("test",))) == 2
