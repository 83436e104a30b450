"""Distances against their formulas; padding is part of no mean; gradients go where the paper sends them."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from lmspt.errors import InputError
from lmspt.teacher.load import load_teacher
from lmspt.tokenizer.config import ModelConfig, ObjectiveConfig
from lmspt.tokenizer.losses import MultiResolutionMel, feature_distance
from lmspt.tokenizer.model import LMSPT
from lmspt.tokenizer.objectives import FeatureMatch, Resynthesis, build_objective, pool

TINY = ModelConfig(dim=32, encoder_layers=1, slow_layers=1, decoder_dim=32, decoder_layers=1, aux_dim=32, semantic_size=16,
                   acoustic_codebooks=2, acoustic_size=16, code_dim=8)  # fmt: skip


@pytest.fixture(scope="module")
def teacher():
    torch.set_num_threads(1)
    return load_teacher("whisper-tiny.en")


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_feature_distances_by_hand():
    prediction = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]]])
    target = torch.tensor([[[0.0, 1.0], [3.0, 0.0], [0.0, 0.0]]])
    mask = torch.tensor([[True, True, False]])
    assert feature_distance(prediction, target, mask, "mse").item() == pytest.approx((1.0 + 8.0) / 2)
    assert feature_distance(prediction, target, mask, "l1").item() == pytest.approx((1.0 + 2.0) / 2)
    assert feature_distance(prediction, target, mask, "cosine").item() == pytest.approx((1.0 + 1.0 - 0.6) / 2)


def test_mel_distance_of_a_gain_is_its_logarithm():
    wav = noise(1, 16000)
    loss = MultiResolutionMel(16000)(wav * 10, wav, torch.tensor([16000]))
    assert loss.item() == pytest.approx(math.log10(10.0), abs=0.02)


def test_pool_means_real_frames_only():
    features = torch.arange(10.0).reshape(1, 10, 1)
    mask = torch.tensor([[True] * 7 + [False] * 3])
    pooled, real = pool(features, mask, 3)
    assert pooled[0, :, 0].tolist() == [1.5, 5.0, 0.0] and real[0].tolist() == [True, True, False]


def outputs(model, wav, lengths):
    return model(wav, lengths, torch.full((len(wav),), 2))


def test_resynthesis_reaches_the_semantic_path_only(teacher):
    torch.manual_seed(0)
    model = LMSPT(TINY)
    wav, lengths = noise(2, 16000), torch.tensor([16000, 16000])
    Resynthesis(ObjectiveConfig(), teacher)(wav, lengths, outputs(model, wav, lengths)).backward()
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert moved == {"semantic_encoder", "semantic_quantizer", "aux_decoder"}


def test_resynthesis_of_the_original_is_zero(teacher):
    wav, lengths = noise(1, 16000), torch.tensor([16000])
    output = outputs(LMSPT(TINY).eval(), wav, lengths)
    output.aux_wav = wav
    assert Resynthesis(ObjectiveConfig(), teacher)(wav, lengths, output).item() == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("kind", ["resynthesis", "feature"])
def test_padding_changes_no_objective(teacher, kind):
    torch.manual_seed(0)
    model = LMSPT(TINY).eval()
    config = ObjectiveConfig(teacher_layers=[2, 4])
    objective = Resynthesis(config, teacher) if kind == "resynthesis" else FeatureMatch(config, teacher, TINY.dim)
    wav, lengths = noise(1, 16640), torch.tensor([16640])
    padded = torch.cat([wav, torch.zeros(1, 6400)], dim=1)
    alone = objective(wav, lengths, outputs(model, wav, lengths))
    beside = objective(padded, lengths, outputs(model, padded, lengths))
    assert beside.item() == pytest.approx(alone.item(), rel=1e-4)


def test_none_builds_nothing_and_bad_layers_are_refused():
    assert build_objective(ObjectiveConfig(objective="none"), TINY) is None
    with pytest.raises(InputError, match="layers 1 to 4"):
        build_objective(ObjectiveConfig(teacher_layers=[5]), TINY)
    with pytest.raises(InputError, match="untrained"):
        build_objective(ObjectiveConfig(objective="none"), replace(TINY, detach_semantic=True))


def test_detached_semantic_stream_hears_the_objective_only():
    torch.manual_seed(0)
    wav, lengths = noise(2, 16000), torch.tensor([16000, 16000])
    reached = {}
    for detached in (False, True):
        model = LMSPT(replace(TINY, detach_semantic=detached))
        MultiResolutionMel(16000)(outputs(model, wav, lengths).wav, wav, lengths).backward()
        reached[detached] = {
            name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0
        }
    assert reached[False] - reached[True] == {"semantic_encoder", "semantic_quantizer"}
    assert reached[True] == {"acoustic_encoder", "acoustic_quantizer", "decoder"}
