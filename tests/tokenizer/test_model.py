"""The network: rates, lengths, codes that do not depend on the company an utterance is in; parts exchanged by config."""

from __future__ import annotations

import pytest
import torch

from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.decoder import InverseSTFT
from lmspt.tokenizer.model import LMSPT


def tiny(**kw):
    torch.manual_seed(0)
    layers = {"encoder_layers": 2, "slow_layers": 1, "decoder_layers": 1}
    dims = {"dim": 48, "decoder_dim": 48, "aux_dim": 32, "code_dim": 8}
    return LMSPT(ModelConfig(**{"semantic_size": 64, "acoustic_size": 64, **layers, **dims, **kw})).eval()


CONVOLUTIONS = {"encoder_dim": 4, "strides": [8, 10, 16]}
SPEAK = {"decoder": "dac", "decoder_strides": [16, 10, 8], "aux_strides": [8, 8, 10], "aux_sample_rate": 8000}
KINDS = {
    "stft": {},
    "dac": {"encoder": "dac", "quantizer": "gradient", **CONVOLUTIONS, **SPEAK},
    "conv_transformer": {"encoder": "conv_transformer", "dim": 64, "transformer_layers": 1, **CONVOLUTIONS},
    "fsq": {"fsq_levels": [4, 4, 4], "shared_encoder": True, "semantic_subtraction": False},
    "causal": {"causal": True},
}


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    return tiny(**KINDS[request.param])


def wavs(*lengths):
    generator = torch.Generator().manual_seed(1)
    return [0.1 * torch.randn(n, generator=generator) for n in lengths]


def padded(items):
    wav = torch.zeros(len(items), max(map(len, items)))
    for row, item in zip(wav, items, strict=True):
        row[: len(item)] = item
    return wav, torch.tensor([len(item) for item in items])


@pytest.mark.parametrize("frame_rate", [25.0, 12.5, 6.25])
def test_rates_and_lengths(frame_rate):
    model = tiny(frame_rate=frame_rate)
    codes, lengths = model.encode(*padded(wavs(16000, 20001)))
    assert lengths.tolist() == [-(-16000 // model.hop_length), -(-20001 // model.hop_length)]
    assert codes.shape == (2, 4, lengths.max())
    wav, samples = model.decode(codes, lengths)
    assert samples.tolist() == (lengths * model.hop_length).tolist() and wav.shape[1] == samples.max()


def test_codes_alone_equal_codes_in_any_batch(model):
    items = wavs(9000, 31000, 16000, 12345, 1280, 1)
    together, _ = model.encode(*padded(items))
    shuffled, _ = model.encode(*padded(items[::-1]))
    for i, item in enumerate(items):
        alone, n = model.encode(*padded([item]))
        assert torch.equal(alone[0], together[i, :, : n[0]])
        assert torch.equal(alone[0], shuffled[-1 - i, :, : n[0]])


def test_speech_alone_equals_speech_in_a_batch(model):
    codes, lengths = model.encode(*padded(wavs(9000, 31000)))
    for decode, rate in ((model.decode, 16000), (model.decode_aux, model.config.aux_rate)):
        together, _ = decode(codes, lengths)
        alone, n = decode(codes[:1, :, : lengths[0]], lengths[:1])
        assert n[0] == lengths[0] * rate / 12.5
        assert torch.allclose(alone[0], together[0, : n[0]], atol=1e-5)
        assert together[0, n[0] :].abs().max() == 0


def test_training_hears_what_encode_and_decode_do(model):
    wav, lengths = padded(wavs(9000, 31000))
    output = model(wav, lengths, torch.tensor([3, 0]))
    silent = model(wav, lengths, torch.tensor([3, 0]), aux=False)
    assert silent.aux_wav is None and torch.equal(silent.wav, output.wav)
    codes, frames = model.encode(wav, lengths)
    assert output.wav.shape == wav.shape and output.aux_wav.shape == (2, 31000 * model.config.aux_rate // 16000)
    for row, (heard, n) in enumerate(zip((codes, codes[:, :1]), frames, strict=True)):
        assert torch.equal(output.codes[row, :, :n], codes[row, :, :n])
        spoken, _ = model.decode(heard[row : row + 1], frames[row : row + 1])
        assert torch.allclose(output.wav[row, : lengths[row]], spoken[0, : lengths[row]], atol=1e-5)
    aux, _ = model.decode_aux(codes, frames)
    for spoken, again, n in zip(output.aux_wav, aux, (lengths * model.config.aux_rate // 16000).tolist(), strict=True):
        assert torch.allclose(spoken[:n], again[:n], atol=1e-5)


def test_nothing_is_said_past_the_end(model):
    """Of an utterance that ends within a token frame; objectives and losses rely on it, as they do in what was heard."""
    wav, lengths = padded(wavs(9000, 16000))
    output = model(wav, lengths, torch.full((2,), len(model.streams)))
    for spoken, rate in ((output.wav, model.config.sample_rate), (output.aux_wav, model.config.aux_rate)):
        end = 9000 * rate // model.config.sample_rate
        assert spoken[0, end:].abs().max() == 0 < spoken[0, :end].abs().max()


def test_half_precision_trains(model):
    wav, lengths = padded(wavs(9000, 16000))
    with torch.autocast("cpu", torch.bfloat16):
        output = model(wav, lengths, torch.tensor([3, 3]))
        (output.wav.square().mean() + output.aux_wav.square().mean() + output.commitment).backward()
    assert output.semantic.dtype == torch.float32 and all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    model.zero_grad()


def test_folding_weight_norm_changes_no_code():
    model = tiny(**KINDS["dac"])
    codes, lengths = model.encode(*padded(wavs(9000)))
    before = model.decode(codes, lengths)[0], model.decode_aux(codes, lengths)[0]
    assert not any("original" in name for name in model.fold_weight_norm().state_dict())
    assert torch.equal(model.encode(*padded(wavs(9000)))[0], codes)
    for now, then in zip((model.decode(codes, lengths)[0], model.decode_aux(codes, lengths)[0]), before, strict=True):
        assert torch.allclose(now, then, atol=1e-6)


def reached_by_aux(**kw):
    """Parts to which a loss on the aux decoder's speech sends a gradient."""
    model = tiny(**kw)
    model(*padded(wavs(9000)), torch.tensor([3])).aux_wav.square().mean().backward()
    return {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}


def test_whose_weights_learn_from_speech_of_semantic_tokens():
    path = {"semantic_encoder", "semantic_quantizer"}
    assert reached_by_aux() == {*path, "aux_decoder"}
    assert reached_by_aux(aux_decoder="shared") == {*path, "decoder"}
    assert reached_by_aux(aux_decoder="frozen") == path
    assert reached_by_aux(aux_decoder="frozen", **{k: v for k, v in KINDS["dac"].items() if "aux" not in k}) == path


def test_what_the_acoustic_codes_code():
    codes = {}
    for subtraction in (True, False):
        model = tiny(semantic_subtraction=subtraction)
        with torch.no_grad():  # another word for the same semantic codes
            codes[subtraction, "plain"], _ = model.encode(*padded(wavs(9000)))
            model.semantic_quantizer.project_out.bias += 3.0
            codes[subtraction, "moved"], _ = model.encode(*padded(wavs(9000)))
    assert torch.equal(codes[False, "plain"], codes[False, "moved"])
    assert not torch.equal(codes[True, "plain"], codes[True, "moved"])


def test_a_shared_encoder_is_one_and_hears_the_level():
    model = tiny(shared_encoder=True)
    assert model.acoustic_encoder is None and model.semantic_encoder.log_mel.keep_level


def test_semantic_codes_do_not_hear_the_level():
    model = tiny()
    (wav,) = wavs(16000)
    assert torch.equal(model.encode(*padded([wav]))[0][:, 0], model.encode(*padded([0.25 * wav]))[0][:, 0])


def test_semantic_stream_alone_can_be_decoded():
    model = tiny()
    codes, lengths = model.encode(*padded(wavs(16000)))
    wav, _ = model.decode(codes[:, :1], lengths)
    assert torch.isfinite(wav).all()


def test_istft_inverts_an_stft():
    """Frames of a real signal, windowed as the overlap-add expects them, come back as the signal."""
    istft = InverseSTFT(320)
    signal = torch.randn(1, 320 * 20)
    edge = (istft.n_fft - 320) // 2
    frames = torch.nn.functional.pad(signal, (edge, edge)).unfold(1, istft.n_fft, 320) * istft.window
    spectrum = torch.fft.rfft(frames)
    restored = istft(spectrum.abs(), spectrum.angle())
    assert torch.allclose(restored[:, edge:-edge], signal[:, edge:-edge], atol=1e-4)


def test_codebooks_are_where_the_nearest_is_chosen_and_a_grid_has_none():
    for kind in ("stft", "dac"):
        model = tiny(**KINDS[kind])
        codebooks = model.codebooks()
        assert [len(vectors) for vectors in codebooks] == [stream.size for stream in model.streams]
        semantic = model.semantic_quantizer
        latents = torch.randn(1, 20, model.config.dim)
        vectors = torch.nn.functional.normalize(semantic.project_in(latents), dim=-1)
        assert torch.equal(torch.cdist(vectors, codebooks[0][None]).argmin(-1), semantic.encode(latents))
    assert tiny(**KINDS["fsq"]).codebooks() is None
