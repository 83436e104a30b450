"""Objectives and distances against their formulas; padding is part of no mean; gradients go where the paper sends them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from lmspt.errors import InputError
from lmspt.teacher.load import load_teacher
from lmspt.tokenizer.config import ModelConfig, ObjectiveConfig
from lmspt.tokenizer.losses import MultiResolutionMel, axis_distance, feature_distance
from lmspt.tokenizer.model import LMSPT, Output
from lmspt.tokenizer.objectives import OBJECTIVES, Resynthesis, build_objective, pool, pool_wide

TINY = ModelConfig(dim=32, encoder_layers=1, slow_layers=1, decoder_dim=32, decoder_layers=1, aux_dim=32, semantic_size=16,
                   acoustic_codebooks=2, acoustic_size=16, code_dim=8)  # fmt: skip


@pytest.fixture(scope="module")
def teacher():
    torch.set_num_threads(1)
    return load_teacher("whisper-tiny.en")


class Levels:
    """A teacher whose features can be computed by hand: mean and mean square of 320 samples, times the layer's number."""

    name, sample_rate, frame_rate, dim, n_layers = "levels", 16000, 50.0, 2, 3

    def __call__(self, wav, lengths, layers):
        frames = wav[:, : wav.shape[1] // 320 * 320].unflatten(1, (-1, 320))
        features = torch.stack([frames.mean(-1), frames.square().mean(-1)], dim=-1)
        return [n * features for n in layers], torch.arange(features.shape[1]) < (lengths // 320)[:, None]


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_feature_distances_by_hand():
    prediction = torch.tensor([[[1.0, 0.0], [3.0, 4.0], [9.0, 9.0]]])
    target = torch.tensor([[[0.0, 1.0], [3.0, 0.0], [0.0, 0.0]]])
    mask = torch.tensor([[True, True, False]])
    assert feature_distance(prediction, target, mask, "mse").item() == pytest.approx((1.0 + 8.0) / 2)
    assert feature_distance(prediction, target, mask, "l1").item() == pytest.approx((1.0 + 2.0) / 2)
    assert feature_distance(prediction, target, mask, "cosine").item() == pytest.approx((1.0 + 1.0 - 0.6) / 2)


def test_axis_distance_by_hand():
    """Along time, channel by channel: the first rises in both, the second goes opposite ways; the masked frame is not heard."""
    prediction = torch.tensor([[[1.0, 3.0], [2.0, 4.0], [50.0, 7.0]]])
    target = torch.tensor([[[2.0, -3.0], [4.0, -4.0], [-9.0, 7.0]]])
    mask = torch.tensor([[True, True, False]])
    same, opposite = math.log(1 + math.exp(-1.0)), math.log(1 + math.exp(1.0))
    assert axis_distance(prediction, target, mask).item() == pytest.approx((same + opposite) / 2)


def test_mel_distance_of_a_gain_is_its_logarithm():
    wav = noise(1, 16000)
    loss = MultiResolutionMel(16000)(wav * 10, wav, torch.tensor([16000]))
    assert loss.item() == pytest.approx(math.log10(10.0), abs=0.02)


def test_pool_means_real_frames_only():
    features = torch.arange(12.0).reshape(1, 12, 1)
    mask = torch.tensor([[True] * 7 + [False] * 5])
    pooled, real = pool(features, mask, 3)
    assert pooled[0, :, 0].tolist() == [1.5, 5.0, 0.0] and real[0].tolist() == [True, True, False]


def test_pool_wide_reaches_into_both_neighbours():
    features = torch.arange(12.0).reshape(1, 12, 1)
    mask = torch.tensor([[True] * 9 + [False] * 3])
    pooled, real = pool_wide(features, mask, 3)
    by_hand = [np.mean(range(6)), np.mean(range(2, 9)), np.mean(range(6, 9))]
    assert pooled[0, :, 0].tolist() == pytest.approx(by_hand) and real.all()
    assert not pool_wide(features, mask & (torch.arange(12) < 8), 3)[1][0, 2]


def spoken(wav, aux_wav, semantic):
    """A model's output of which the objectives read these."""
    return Output(wav, aux_wav, torch.zeros(()), semantic, *[torch.zeros(())] * 3)


def test_resynthesis_by_hand():
    """Two utterances, one of 3 frames beside one of 5: the mean over their 8 frames, for each layer, and over the layers."""
    wav, aux_wav, lengths = noise(2, 1600), noise(2, 1600, seed=1), torch.tensor([1000, 1600])
    teacher, squares = Levels(), []
    for row, n in ((0, 3), (1, 5)):
        for t in range(n):
            original, resynthesis = (w[row, 320 * t : 320 * (t + 1)] for w in (wav, aux_wav))
            mean, power = original.mean() - resynthesis.mean(), original.square().mean() - resynthesis.square().mean()
            squares.append((mean**2 + power**2).item() / 2)
    by_hand = (1**2 + 3**2) / 2 * sum(squares) / 8
    objective = Resynthesis(ObjectiveConfig(teacher_layers=[1, 3]), teacher, TINY)
    assert objective(wav, lengths, spoken(wav, aux_wav, None)).item() == pytest.approx(by_hand, rel=1e-5)


def feature_level(kind, projected):
    """The objective, its own value for a semantic latent that it projects to ``projected`` (F, D) of 3 token frames, and the
    features of layers 1 and 3 (12, 2) each."""
    wav, lengths = noise(1, 3840), torch.tensor([3840])
    objective = OBJECTIVES[kind](ObjectiveConfig(teacher_layers=[1, 3]), Levels(), replace(TINY, dim=projected.shape[1]))
    with torch.no_grad():
        objective.project.weight.copy_(torch.eye(projected.shape[1]))
        objective.project.bias.zero_()
    first, third = (feature[0].numpy() for feature in Levels()(wav, lengths, [1, 3])[0])
    return objective(wav, lengths, spoken(wav, None, projected[None])).item(), first, third


def test_feature_match_by_hand():
    projected = noise(3, 4)
    value, first, third = feature_level("feature", projected)
    target = np.concatenate([first, third], axis=1).reshape(3, 4, 4).mean(1)
    assert value == pytest.approx(((projected.numpy() - target) ** 2).mean(), rel=1e-5)


@pytest.mark.parametrize("kind", ["resynthesis", "feature"])
def test_channels_count_alike(kind):
    """The loud channel of a teacher weighs no more than the faint one, and validation moves no scale."""
    wav, aux_wav, lengths = noise(2, 3840), noise(2, 3840, seed=1), torch.tensor([3200, 3840])
    config = ObjectiveConfig(objective=kind, teacher_layers=[1], standardize=True)
    objective = OBJECTIVES[kind](config, Levels(), replace(TINY, dim=2))
    output = spoken(wav, aux_wav, noise(2, 3, 2))
    trained = objective(wav, lengths, output).item()
    state = {name: value.clone() for name, value in objective.state_dict().items()}
    assert state["standardize.count"] == 10 + 12
    objective.eval()
    assert objective(wav, lengths, output).item() == trained
    objective(3 * wav, lengths, output)
    assert all(torch.equal(value, state[name]) for name, value in objective.state_dict().items())

    class Louder(Levels):
        def __call__(self, wav, lengths, layers):
            features, mask = super().__call__(wav, lengths, layers)
            return [torch.tensor([100.0, 1.0]) * feature for feature in features], mask

    louder = OBJECTIVES[kind](config, Louder(), replace(TINY, dim=2))
    louder.load_state_dict({name: 0 * value if "standardize" in name else value for name, value in state.items()})
    assert louder(wav, lengths, output).item() == pytest.approx(trained, rel=1e-4)


def test_d_axis_by_hand():
    projected = noise(3, 2)
    value, first, third = feature_level("daxis", projected)
    target, courses = ((first + third) / 2).reshape(3, 4, 2).mean(1), []
    for p, t in zip(projected.numpy().T, target.T, strict=True):
        cosine = p @ t / np.linalg.norm(p) / np.linalg.norm(t)
        courses.append(-math.log(1 / (1 + math.exp(-cosine))))
    assert value == pytest.approx(np.mean(courses), rel=1e-5)


def test_mimi_by_hand():
    projected = noise(3, 2)
    value, first, third = feature_level("mimi", projected)
    mixed, frames = (first + third) / 2, []
    for i, p in enumerate(projected.numpy()):
        t = mixed[max(0, 4 * i - 2) : 4 * i + 6].mean(0)
        frames.append(1 - p @ t / np.linalg.norm(p) / np.linalg.norm(t))
    assert value == pytest.approx(np.mean(frames), rel=1e-5)


def test_24_khz_tokenizers_are_heard_at_the_teachers_rate():
    """An aux decoder of 16 kHz is heard as it is, one of 24 kHz is resampled as the original is."""
    wav, lengths = noise(1, 24000), torch.tensor([24000])
    wide = replace(TINY, sample_rate=24000)
    at_16 = Resynthesis(ObjectiveConfig(), Levels(), replace(wide, aux_sample_rate=16000))
    at_24 = Resynthesis(ObjectiveConfig(), Levels(), wide)
    resampled, _ = at_16.original(wav, lengths)
    assert at_24(wav, lengths, spoken(wav, wav, None)).item() == 0.0
    assert at_16(wav, lengths, spoken(wav, resampled, None)).item() == 0.0
    assert at_16(wav, lengths, spoken(wav, 0 * resampled, None)).item() > 0.0


def outputs(model, wav, lengths):
    return model(wav, lengths, torch.full((len(wav),), 2))


def test_resynthesis_reaches_the_semantic_path_only(teacher):
    torch.manual_seed(0)
    model = LMSPT(TINY)
    wav, lengths = noise(2, 16000), torch.tensor([16000, 16000])
    Resynthesis(ObjectiveConfig(), teacher, TINY)(wav, lengths, outputs(model, wav, lengths)).backward()
    moved = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert moved == {"semantic_encoder", "semantic_quantizer", "aux_decoder"}


def test_resynthesis_of_the_original_is_zero(teacher):
    wav, lengths = noise(1, 16000), torch.tensor([16000])
    output = outputs(LMSPT(TINY).eval(), wav, lengths)
    output.aux_wav = wav
    assert Resynthesis(ObjectiveConfig(), teacher, TINY)(wav, lengths, output).item() == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("kind", OBJECTIVES)
def test_padding_changes_no_objective(teacher, kind):
    """A batch is worth the mean of its utterances, weighted by their frames (D-axis: evenly), however long its longest is."""
    torch.manual_seed(0)
    model = LMSPT(TINY).eval()
    objective = OBJECTIVES[kind](ObjectiveConfig(teacher_layers=[2, 4]), teacher, TINY)
    wav, longer = noise(1, 16640), noise(1, 23040, seed=1)
    batch = torch.cat([torch.cat([wav, torch.zeros(1, 6400)], dim=1), longer])
    alone = [objective(w, torch.tensor([w.shape[1]]), outputs(model, w, torch.tensor([w.shape[1]]))).item() for w in (wav, longer)]
    beside = objective(batch, torch.tensor([16640, 23040]), outputs(model, batch, torch.tensor([16640, 23040]))).item()
    assert beside == pytest.approx(np.average(alone, weights=None if kind == "daxis" else [13, 18]), rel=1e-4)


def test_none_builds_nothing_and_bad_layers_are_refused():
    assert build_objective(ObjectiveConfig(objective="none"), TINY) is None
    with pytest.raises(InputError, match="layers 1 to 4"):
        build_objective(ObjectiveConfig(teacher_layers=[5]), TINY)
    with pytest.raises(InputError, match="untrained"):
        build_objective(ObjectiveConfig(objective="none"), replace(TINY, detach_semantic=True))
    with pytest.raises(InputError, match="objective daxis pools real frames; set crop"):
        build_objective(ObjectiveConfig(objective="daxis", teacher_window="30s"), TINY)
    with pytest.raises(InputError, match=r"mimi pools .* choose one that divides 50 Hz"):
        build_objective(ObjectiveConfig(objective="mimi"), replace(TINY, sample_rate=12000, frame_rate=18.75))


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
