"""The teacher hears what Whisper hears, at any length, at any level, alone or padded."""

from __future__ import annotations

import pytest
import torch
from transformers import BertConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.teacher.ctranslate import read_variables
from lmspt.teacher.load import load_teacher


@pytest.fixture(scope="module")
def teacher():
    torch.set_num_threads(1)
    return load_teacher("whisper-tiny.en")


@pytest.fixture(scope="module")
def speech():
    generator = torch.Generator().manual_seed(0)
    envelope = torch.sin(torch.linspace(0, 20, 32000)).clamp_min(0)
    return 0.1 * envelope * torch.randn(32000, generator=generator)


def view(teacher, wav, layers=(4,)):
    return teacher(wav[None], torch.tensor([len(wav)]), list(layers))[0][-1]


def test_log_mel_is_whispers(teacher, speech):
    padded = torch.zeros(1, 480000)
    padded[0, : len(speech)] = speech
    theirs = WhisperFeatureExtractor()(speech.numpy(), sampling_rate=16000, return_tensors="pt").input_features
    ours = teacher.log_mel(padded, torch.tensor([480000])).transpose(1, 2)
    assert torch.allclose(ours, theirs, atol=1e-5)


def test_padded_equals_alone(teacher, speech):
    batch = torch.zeros(2, 48000)
    batch[0, :32000] = speech
    batch[1] = 0.1 * torch.randn(48000)
    (features,), mask = teacher(batch, torch.tensor([32000, 48000]), [4])
    assert mask.sum(1).tolist() == [100, 150]
    assert torch.allclose(features[0, :100], view(teacher, speech)[0], atol=1e-4)


def test_a_loud_neighbour_does_not_move_a_quiet_utterance(teacher, speech):
    """40 dB quieter: a floor taken from the whole batch would cut into it."""
    quiet = 0.01 * speech
    (together,), _ = teacher(torch.stack([quiet, speech]), torch.tensor([32000, 32000]), [4])
    assert torch.allclose(together[0], view(teacher, quiet)[0], atol=1e-4)


def test_less_than_a_frame_in_a_batch(teacher, speech):
    wav = torch.stack([speech, torch.zeros_like(speech)])
    wav[1, :150] = 0.1
    (features,), mask = teacher(wav, torch.tensor([len(speech), 150]), [4])
    assert mask.any(1).tolist() == [True, False] and features.isfinite().all()


def test_gradient_reaches_the_waveform_and_not_the_weights(teacher, speech):
    wav = speech.clone().requires_grad_()
    view(teacher, wav).square().mean().backward()
    assert torch.isfinite(wav.grad).all() and wav.grad.abs().sum() > 0
    assert all(p.grad is None for p in teacher.parameters())


def test_too_long_is_refused(teacher):
    with pytest.raises(InputError, match="at most 30 s"):
        teacher(torch.zeros(1, 31 * 16000), torch.tensor([31 * 16000]), [1])


def test_truncated_weights_are_refused(tmp_path):
    data = (find_weights("whisper-tiny.en") / "model.bin").read_bytes()
    (tmp_path / "model.bin").write_bytes(data[:1_000_000])
    with pytest.raises(InputError, match="cut off"):
        read_variables(tmp_path / "model.bin")


def official_view(teacher, wav: torch.Tensor) -> torch.Tensor:
    """As the released trainer hears speech on the device: padded to 30 s, the floor 8 below the maximum of the whole batch."""
    padded = torch.nn.functional.pad(wav, (0, 480000 - wav.shape[1]))
    spectrum = torch.stft(padded, 400, 160, window=torch.hann_window(400), return_complex=True)[..., :-1].abs().square()
    mel = (teacher.mel.T @ spectrum).clamp_min(1e-10).log10()
    mel = (torch.maximum(mel, mel.max() - 8.0) + 4.0) / 4.0
    return teacher.encoder(mel).last_hidden_state


def test_30s_is_the_official_way_for_one_utterance(teacher, speech):
    with torch.no_grad():
        ours, mask = load_teacher("whisper-tiny.en", "30s")(speech[None], torch.tensor([32000]), [4])
        theirs = official_view(teacher, speech[None])
    assert ours[0].shape == (1, 1500, 384) and mask.all() and mask.shape == (1, 1500)
    assert torch.allclose(ours[0], theirs, atol=1e-3)


@pytest.mark.parametrize("window", ["crop", "30s"])
def test_20_db_between_neighbours(teacher, speech, window):
    """A quiet utterance and its view beside one that is 20 dB louder: the official way lifts its floor, ours does not."""
    pair, lengths = torch.stack([0.1 * speech, speech]), torch.tensor([32000, 32000])
    ours = load_teacher("whisper-tiny.en", window)
    with torch.no_grad():
        alone, beside = ours(pair[:1], lengths[:1], [4])[0][0], ours(pair, lengths, [4])[0][0][:1]
        official_alone, official_beside = official_view(teacher, pair[:1]), official_view(teacher, pair)[:1]
    scale = official_alone.var()
    assert (beside - alone).square().mean() < 1e-6 * scale
    assert (official_beside - official_alone).square().mean() > 0.01 * scale


@pytest.mark.parametrize("n_mels", [80, 128])
def test_any_size_from_transformers_weights(tmp_path, speech, n_mels):
    torch.manual_seed(0)
    shape = {"d_model": 32, "encoder_layers": 2, "encoder_attention_heads": 2, "encoder_ffn_dim": 64, "num_mel_bins": n_mels}
    model = WhisperForConditionalGeneration(
        WhisperConfig(**shape, decoder_layers=1, decoder_attention_heads=2, vocab_size=60000)
    ).eval()
    model.half().save_pretrained(tmp_path)
    ours = load_teacher(str(tmp_path), "30s")
    assert (ours.dim, ours.n_layers, ours.encoder.conv1.weight.dtype) == (32, 2, torch.float32)
    inputs = WhisperFeatureExtractor(feature_size=n_mels)(speech.numpy(), sampling_rate=16000, return_tensors="pt").input_features
    with torch.no_grad():
        (features,), _ = ours(speech[None], torch.tensor([32000]), [2])
        theirs = model.float().model.encoder(inputs).last_hidden_state
    assert torch.allclose(features, theirs, atol=1e-4)


def test_unknown_teacher_names_the_known_ones():
    with pytest.raises(InputError, match=r"whisper-tiny\.en"):
        load_teacher("no/such-teacher")


def test_another_kind_of_model_is_no_teacher(tmp_path):
    BertConfig().save_pretrained(tmp_path)
    with pytest.raises(InputError, match="is a bert; choose a whisper, hubert"):
        load_teacher(str(tmp_path))
