"""Every config of every recipe can be built, and an ablation changes what its name says and nothing else."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import torch
from transformers import LlamaConfig, PretrainedConfig, Qwen2Config

from lmspt.config import load_config
from lmspt.slm.config import CONFIGS as SLM_CONFIGS
from lmspt.slm.config import SamplingConfig
from lmspt.slm.model import SpeechLM, scratch_backbone
from lmspt.tokenizer.config import CONFIGS, AdapterConfig, KMeansConfig, tokenizer_kind
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.objectives import OBJECTIVES
from tests.slm.test_vocab import toy
from tests.utils.shell import ROOT

FILES, SLM_FILES, DECODE_FILES = (
    [path for part in parts for path in sorted((ROOT / "egs").glob(f"*/*/conf/{part}.yaml"))]
    for parts in (("tok/*", "ablations/*", "tuning/*"), ("slm/*",), ("decode",))
)
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
TUNING = {
    "w3": {"distill_weight": 3.0},
    "w30": {"distill_weight": 30.0},
    "layer4": {"teacher_layers": [4]},
    "standard": {"standardize": True},
    "cosine": {"distance": "cosine"},
}
# tells no place to the tokens, which resynthesis does not do anyway: it compares two views of one place
PLACELESS = {"standardize": True, "place_seconds": 2.0}


def _shape(kind: type[PretrainedConfig], dim: int, ff_dim: int, layers: int, heads: int, kv_heads: int) -> PretrainedConfig:
    heads_of = {"num_attention_heads": heads, "num_key_value_heads": kv_heads}
    return kind(hidden_size=dim, intermediate_size=ff_dim, num_hidden_layers=layers, **heads_of, tie_word_embeddings=True)


# published shapes, and the parameters beside their embeddings
BACKBONES: dict[str, tuple[PretrainedConfig, int]] = {
    "Qwen/Qwen2.5-0.5B-Instruct": (_shape(Qwen2Config, 896, 4864, 24, 14, 2), 357_898_112),
    "meta-llama/Llama-3.2-3B-Instruct": (_shape(LlamaConfig, 3072, 8192, 28, 24, 8), 2_818_747_392),
    "HuggingFaceTB/SmolLM2-135M-Instruct": (_shape(LlamaConfig, 576, 1536, 30, 9, 3), 106_203_456),
}


def name_of(path: Path) -> str:
    return f"{path.relative_to(ROOT / 'egs').parts[0]}-{path.stem}"


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


def test_every_file_is_looked_at() -> None:
    assert {*FILES, *SLM_FILES, *DECODE_FILES} == set((ROOT / "egs").glob("*/*/conf/**/*.yaml"))


@pytest.mark.parametrize("path", SLM_FILES, ids=name_of)
def test_a_language_model_builds(path: Path) -> None:
    config, *_ = load_config(path, [], *SLM_CONFIGS)
    shape, n_parameters = BACKBONES[config.backbone] if config.backbone else (scratch_backbone(config), None)
    with torch.device("meta"):
        model = SpeechLM(config, toy(), shape)
    assert model.tied == bool(config.backbone)
    assert n_parameters in (None, sum(p.numel() for p in model.backbone.parameters()))


@pytest.mark.parametrize("path", DECODE_FILES, ids=name_of)
def test_how_speech_is_drawn(path: Path) -> None:
    (config,) = load_config(path, [], SamplingConfig)
    assert config.temperature >= 0 and config.length_limit > 1


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "ablations"], ids=name_of)
def test_an_ablation_is_one_idea(path: Path) -> None:
    prefix = next(prefix for prefix in BASES if path.stem.startswith(prefix))
    base, changed = values_of(BASES[prefix]), values_of(path)
    different = {key for key in base if base[key] != changed[key]}
    assert different and different <= IDEAS[path.stem.removeprefix(prefix)]


@pytest.mark.parametrize("arm", ["feature", "resynthesis"])
def test_both_arms_are_tuned_alike(arm: str) -> None:
    base, changes = values_of(FSDD / f"tok/{arm}_12.5hz.yaml"), {}
    for path in (FSDD / "tuning").glob(f"{arm}_*.yaml"):
        changed = values_of(path)
        changes[path.stem.removeprefix(f"{arm}_")] = {key: changed[key] for key in base if base[key] != changed[key]}
    at_rates = {f"{name}_{rate:g}hz": TUNING[name] | {"frame_rate": rate} for name in ("cosine", "standard") for rate in (25, 6.25)}
    if arm == "feature":
        at_rates |= {"placeless": PLACELESS} | {f"placeless_{rate:g}hz": PLACELESS | {"frame_rate": rate} for rate in (25, 6.25)}
    assert changes == TUNING | at_rates


def test_the_readme_of_a_recipe_lists_its_ablations() -> None:
    for recipe in {path.parents[2] for path in FILES if path.parent.name == "ablations"}:
        readme = (recipe / "README.md").read_text(encoding="utf-8")
        for path in (recipe / "conf/ablations").glob("*.yaml"):
            assert f"`{path.stem}`" in readme, f"{recipe}: README.md says nothing of {path.stem}"
