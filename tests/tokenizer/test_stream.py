"""Streams: the codes and the speech of one piece, whatever the pieces, and each as soon as it can be known."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lmspt.errors import InputError
from lmspt.inference import Tokenizer
from lmspt.tokenizer.checkpoint import TrainedLMSPT
from lmspt.tokenizer.long import decode_long, encode_long
from lmspt.tokenizer.stream import decode_stream, encode_stream
from tests.tokenizer.corpus import voiced
from tests.tokenizer.test_model import tiny

HOP = 1280
LATE = 480  # samples that speech is behind its codes


def trained(**options):
    model = tiny(**options)
    return TrainedLMSPT(model.config, model.state_dict(), "tiny-00000000")


@pytest.fixture(scope="module")
def tokenizer():
    torch.set_num_threads(1)
    return trained(causal=True, semantic_size=512, acoustic_size=512)


@pytest.fixture(scope="module")
def wav():
    """A second of speech, two of a voice, and a part of a frame; first quiet, then loud."""
    speech, _ = soundfile.read(Path(__file__).with_name("speech.flac"), dtype="float32")
    return torch.cat([0.1 * torch.from_numpy(speech), torch.from_numpy(voiced(2.0, 140, 3))])[: 37 * HOP - 77]


@pytest.fixture(scope="module")
def codes(tokenizer, wav):
    (codes,), _ = tokenizer.encode(wav[None], torch.tensor([len(wav)]))
    assert codes.shape == (4, 37) and codes.unique(dim=1).shape[1] > 20, "a tokenizer that says little would pass"
    return codes


@pytest.fixture(scope="module")
def speech(tokenizer, codes):
    (speech,), _ = tokenizer.decode(codes[None], torch.tensor([codes.shape[1]]))
    return speech


def cut(whole, places):
    """``whole`` (..., T) in pieces, some of them empty."""
    ends = [*sorted(place % (whole.shape[-1] + 1) for place in places), whole.shape[-1]]
    return [whole[..., begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 37 * HOP), max_size=12))
def test_codes_are_those_of_one_piece(tokenizer, wav, codes, places):
    assert torch.equal(torch.cat(list(encode_stream(tokenizer, cut(wav, places))), dim=1), codes)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 37), max_size=12))
def test_speech_is_that_of_one_piece(tokenizer, codes, speech, places):
    spoken = torch.cat(list(decode_stream(tokenizer, cut(codes, places))))
    assert spoken.shape == speech.shape and torch.allclose(spoken, speech, atol=1e-5)
    assert speech.abs().max() > 1e-3


@pytest.mark.parametrize("options", [{"frame_rate": 50.0, "fsq_levels": [4, 4, 4]}, {"frame_rate": 6.25, "shared_encoder": True}])
def test_other_shapes(wav, options):
    tokenizer = trained(causal=True, **options)
    (codes,), lengths = tokenizer.encode(wav[None], torch.tensor([len(wav)]))
    assert torch.equal(torch.cat(list(encode_stream(tokenizer, wav.split(1000))), dim=1), codes)
    alone = torch.cat(list(decode_stream(tokenizer, [codes[:, :1]])))
    spoken = torch.cat(list(decode_stream(tokenizer, codes.split(1, dim=1))))
    assert torch.allclose(spoken, tokenizer.decode(codes[None], lengths)[0][0], atol=1e-5)
    assert torch.allclose(alone, tokenizer.decode(codes[None, :, :1], torch.tensor([1]))[0][0], atol=1e-5)


def test_a_frame_is_coded_when_its_last_sample_is_heard(tokenizer, wav):
    heard = n_frames = 0

    def microphone():
        nonlocal heard
        for piece in wav.split(500):
            heard += len(piece)
            yield piece

    for codes in encode_stream(tokenizer, microphone()):
        n_frames += codes.shape[1]
        assert n_frames == heard // HOP or heard == len(wav)
    assert n_frames == 37


def test_codes_are_spoken_30_ms_late(tokenizer, codes):
    n_codes = n_samples = 0

    def writer():
        nonlocal n_codes
        for piece in codes.split(3, dim=1):
            n_codes += piece.shape[1]
            yield piece

    stream = decode_stream(tokenizer, writer())
    for _ in range(13):
        n_samples += len(next(stream))
        assert n_samples == n_codes * HOP - LATE
    assert len(next(stream)) == LATE and next(stream, None) is None


def test_what_comes_later_changes_nothing(tokenizer, wav, codes, speech):
    other = torch.cat([wav[: 20 * HOP], torch.randn(17 * HOP, generator=torch.Generator().manual_seed(0))])
    (changed,), lengths = tokenizer.encode(other[None], torch.tensor([len(other)]))
    assert torch.equal(changed[:, :20], codes[:, :20]) and (changed[:, 20:] != codes[:, 20:]).float().mean() > 0.3
    (spoken,), _ = tokenizer.decode(changed[None], lengths)
    known = 20 * HOP - LATE
    assert torch.allclose(spoken[:known], speech[:known], atol=1e-5)
    assert not torch.allclose(spoken[known:], speech[known:], atol=1e-3)


def test_semantic_codes_do_not_hear_the_level(tokenizer, wav):
    loud = wav[None, 16 * HOP :]  # the voice: digital silence is at one level only
    length = torch.tensor([loud.shape[1]])
    (codes, quieter), _ = tokenizer.encode(torch.cat([loud, 0.25 * loud]), length.expand(2))
    assert torch.equal(quieter[0], codes[0]) and not torch.equal(quieter, codes)


def test_long_recordings(tokenizer):
    """Longer than the 10 s of the level, in windows, with a loud part at the beginning that is forgotten."""
    wav = torch.cat([torch.from_numpy(gain * voiced(6.5, 110, 1)) for gain in (5.0, 0.2, 0.1)])
    (whole,), lengths = tokenizer.encode(wav[None], torch.tensor([len(wav)]))
    assert torch.equal(encode_long(tokenizer, wav, window=4.0, context=1.0), whole)
    (speech,), _ = tokenizer.decode(whole[None], lengths)
    assert torch.allclose(decode_long(tokenizer, whole, window=4.0, context=1.0), speech, atol=1e-5)


def test_arrays(tokenizer, wav, codes, speech):
    """As people use it."""
    api = Tokenizer(tokenizer)
    found = list(api.encode_stream(piece.numpy() for piece in wav.split(4000)))
    assert found[0].dtype == "int32" and torch.equal(torch.from_numpy(found[0]).long(), codes[:, : found[0].shape[1]])
    spoken = torch.cat([torch.from_numpy(piece) for piece in api.decode_stream(found)])
    assert torch.allclose(spoken, speech, atol=1e-5)
    with pytest.raises(InputError, match="codes from 999 to 999 in stream 0"):
        list(api.decode_stream([0 * found[0] + 999]))


def test_nothing_is_nothing(tokenizer):
    assert list(encode_stream(tokenizer, [])) == list(decode_stream(tokenizer, [])) == []


def test_one_that_looks_ahead_is_refused_at_once():
    for stream in (encode_stream, decode_stream):
        with pytest.raises(InputError, match=r"tiny-00000000 looks ahead and has no stream: train one with causal: true"):
            stream(trained(), [])
