"""Every tokenizer config of every recipe can be built, and an ablation changes what its name says and nothing else."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch

from lmspt.config import load_config
from lmspt.tokenizer.config import CONFIGS, AdapterConfig, KMeansConfig, tokenizer_kind
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.objectives import OBJECTIVES
from tests.utils.shell import ROOT

FILES = sorted((ROOT / "egs").glob("*/*/conf/tok/*.yaml")) + sorted((ROOT / "egs").glob("*/*/conf/ablations/*.yaml"))
FSDD, LIBRISPEECH = ROOT / "egs/fsdd/slm1/conf", ROOT / "egs/librispeech/slm1/conf"
BASES = {"v1_25hz_": LIBRISPEECH / "tok/v1_25hz.yaml", "v2_": LIBRISPEECH / "tok/v2.yaml", "": FSDD / "tok/resynthesis_12.5hz.yaml"}
TEACHER = {"teacher", "teacher_layers", "distill_weight"}
IDEAS = {
    "none": {"objective", "detach_semantic", *TEACHER},  # nothing else would train a detached stream
    "feature_whisper": {"objective"},
    "feature_wakehubert": {"objective", *TEACHER},
    "feature_hubert": {"objective", *TEACHER},
    "resynthesis_wakehubert": TEACHER,
    "daxis": {"objective", *TEACHER},
    "mimi_cosine": {"objective", *TEACHER},
    "aux_large": {"aux_dim", "aux_layers"},
    "aux_shared": {"aux_decoder", "aux_dim", "aux_layers", "aux_strides", "aux_sample_rate"},
    "aux_frozen": {"aux_decoder", "aux_dim", "aux_layers", "aux_strides", "aux_sample_rate"},
    "shared_encoder": {"shared_encoder"},
    "no_subtraction": {"semantic_subtraction"},
    "not_detached": {"detach_semantic"},
    "teacher_small": {"teacher", "teacher_layers"},
    "window_30s": {"teacher_window", "distill_weight"},
}


def name_of(path: Path) -> str:
    return f"{path.parents[3].name}-{path.stem}"


def values_of(path: Path) -> dict[str, object]:
    return {f.name: getattr(config, f.name) for config in load_config(path, [], *CONFIGS) for f in fields(config)}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_config_builds(path: Path) -> None:
    kind = tokenizer_kind(path)
    if kind != "lmspt":
        load_config(path, [], KMeansConfig if kind == "kmeans" else AdapterConfig)
        return
    model, objective, *_ = load_config(path, [], *CONFIGS)
    assert objective.objective in (*OBJECTIVES, "none")
    assert objective.objective != "none" or not model.detach_semantic
    with torch.device("meta"):
        streams = LMSPT(model).streams
    assert len(streams) == 1 + model.acoustic_codebooks


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "ablations"], ids=name_of)
def test_an_ablation_is_one_idea(path: Path) -> None:
    prefix = next(prefix for prefix in BASES if path.stem.startswith(prefix))
    base, changed = values_of(BASES[prefix]), values_of(path)
    different = {key for key in base if base[key] != changed[key]}
    assert different and different <= IDEAS[path.stem.removeprefix(prefix)]


def test_the_readme_of_a_recipe_lists_its_ablations() -> None:
    for recipe in {path.parents[2] for path in FILES if path.parent.name == "ablations"}:
        readme = (recipe / "README.md").read_text(encoding="utf-8")
        for path in (recipe / "conf/ablations").glob("*.yaml"):
            assert f"`{path.stem}`" in readme, f"{recipe}: README.md says nothing of {path.stem}"
