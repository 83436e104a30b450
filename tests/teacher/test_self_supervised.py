"""HuBERT, WavLM and wav2vec2 of tiny size: transformers' own values for one utterance, and the same ones in a padded batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import (
    HubertConfig,
    HubertModel,
    PreTrainedModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
    WavLMConfig,
    WavLMModel,
)

from lmspt.errors import InputError
from lmspt.teacher.load import load_teacher
from lmspt.teacher.self_supervised import SelfSupervisedTeacher

TINY = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "conv_dim": (16,) * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
BASE = {"feat_extract_norm": "group", "do_stable_layer_norm": False}
LARGE = {"feat_extract_norm": "layer", "do_stable_layer_norm": True}
FAMILIES = {"hubert": (HubertConfig, HubertModel), "wavlm": (WavLMConfig, WavLMModel), "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model)}
CASES = [(family, size) for family in FAMILIES for size in ("base", "large")]


def make(family: str, size: str) -> PreTrainedModel:
    torch.manual_seed(0)
    config, model = FAMILIES[family]
    return model(config(**TINY, **(BASE if size == "base" else LARGE))).eval()


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def teacher(request) -> SelfSupervisedTeacher:
    return SelfSupervisedTeacher(make(*request.param), "tiny", normalize=request.param[1] == "large")


def noise(n: int, seed: int = 0) -> torch.Tensor:
    return 0.05 + 0.1 * torch.randn(n, generator=torch.Generator().manual_seed(seed))


def test_one_utterance_is_what_transformers_hears(teacher):
    """Its frames need 80 samples more than whole hops: give it those, as zeros around."""
    wav = noise(16000)
    extract = Wav2Vec2FeatureExtractor(do_normalize=teacher.normalize)
    values = extract(wav.numpy(), sampling_rate=16000, return_tensors="pt").input_values
    with torch.no_grad():
        theirs = teacher.model(torch.nn.functional.pad(values, (40, 40)), output_hidden_states=True)
        (second, last), mask = teacher(wav[None], torch.tensor([16000]), [2, 3])
    assert second.shape == (1, 50, 32) and mask.all()
    assert torch.allclose(second, theirs.hidden_states[2], atol=1e-5)
    assert torch.allclose(last, theirs.last_hidden_state, atol=1e-5)


def test_padded_equals_alone(teacher):
    batch = torch.stack([torch.cat([noise(10100), torch.zeros(5900)]), noise(16000, 1)])
    with torch.no_grad():
        (together,), mask = teacher(batch, torch.tensor([10100, 16000]), [3])
        (alone,), _ = teacher(batch[:1, :10100], torch.tensor([10100]), [3])
    assert mask.sum(1).tolist() == [31, 50]
    assert torch.allclose(together[0, :31], alone[0], atol=1e-5)


def test_gradient_reaches_the_waveform_and_not_the_weights(teacher):
    wav = noise(3200).requires_grad_()
    (features,), _ = teacher(wav[None], torch.tensor([3200]), [1])
    features.square().mean().backward()
    assert torch.isfinite(wav.grad).all() and wav.grad.abs().sum() > 0
    assert not any(p.requires_grad for p in teacher.parameters())


def test_loads_from_a_folder(tmp_path):
    make("hubert", "base").save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"cannot be loaded .*preprocessor_config"):
        load_teacher(str(tmp_path))
    Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(tmp_path)
    teacher = load_teacher(str(tmp_path))
    assert (teacher.sample_rate, teacher.frame_rate, teacher.dim, teacher.n_layers) == (16000, 50.0, 32, 3)
    assert teacher.normalize is False
    with pytest.raises(InputError, match="only a whisper has a window"):
        load_teacher(str(tmp_path), "30s")


def test_an_offset_and_a_gain_are_not_heard_by_a_normalising_one():
    teacher = SelfSupervisedTeacher(make("hubert", "large"), "tiny", normalize=True)
    wav, lengths = noise(16000)[None], torch.tensor([16000])
    with torch.no_grad():
        (one,), _ = teacher(wav, lengths, [3])
        (other,), _ = teacher(0.1 * wav + 0.2, lengths, [3])
    assert np.allclose(one, other, atol=1e-3)
