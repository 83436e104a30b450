"""What every tokenizer must do, whoever trained it: ours, the clusters, and each file in ``adapters/``."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch

from lmspt.tokenizer.adapter import AdaptedTokenizer, save_adapter
from lmspt.tokenizer.batches import pad
from lmspt.tokenizer.checkpoint import load_tokenizer, save_tokenizer
from lmspt.tokenizer.config import ADAPTERS, CONFIGS, AdapterConfig, KMeansConfig, ModelConfig
from lmspt.tokenizer.interface import bitrate
from tests.tokenizer.codecs import FAMILIES
from tests.tokenizer.corpus import voiced
from tests.tokenizer.test_model import tiny

SECONDS = (0.9, 0.4, 1.3)


def make(kind, folder):
    """A saved tokenizer of a kind: its experiment folder."""
    exp = folder / f"tok_{kind}"
    if kind == "lmspt":
        model = tiny()
        save_tokenizer(exp, model.state_dict(), model.config, *(cls() for cls in CONFIGS if cls is not ModelConfig))
    elif kind == "kmeans":
        config = KMeansConfig(teacher="logmel", teacher_layer=1, frame_rate=25.0, size=16)
        spread = torch.randn(16, 80, generator=torch.Generator().manual_seed(0))
        save_tokenizer(exp, {"centroids": spread - 3.0}, config)
    else:
        torch.manual_seed(0)
        make_weights, n_codebooks = FAMILIES[kind]
        save_adapter(exp, AdapterConfig(kind, str(make_weights(folder / kind)), n_codebooks))
    return exp


@pytest.fixture(scope="module", params=["lmspt", "kmeans", *ADAPTERS])
def exp(request, tmp_path_factory):
    torch.set_num_threads(1)
    return make(request.param, tmp_path_factory.mktemp("exp"))


@pytest.fixture(scope="module")
def tokenizer(exp):
    return load_tokenizer(exp)


@pytest.fixture(scope="module")
def wavs(tokenizer):
    assert tokenizer.sample_rate == 16000
    return [voiced(seconds, 120 + 40 * i, i) for i, seconds in enumerate(SECONDS)]


@pytest.fixture(scope="module")
def encoded(tokenizer, wavs):
    return tokenizer.encode(**pad(wavs))


def test_every_adapter_is_tested():
    assert set(FAMILIES) == set(ADAPTERS)


def test_it_says_what_it_is(tokenizer, exp):
    names = [stream.name for stream in tokenizer.streams]
    assert len(set(names)) == len(names) and all(stream.size > 1 for stream in tokenizer.streams)
    assert [stream.semantic for stream in tokenizer.streams] == [True] + [False] * (len(names) - 1)
    assert re.fullmatch(rf"{exp.name.removeprefix('tok_')}-[0-9a-f]{{8}}", tokenizer.tok_id)


def test_shapes_and_rate(tokenizer, wavs, encoded):
    codes, lengths = encoded
    assert lengths.tolist() == [int(np.ceil(len(wav) * tokenizer.frame_rate / 16000 - 1e-9)) for wav in wavs]
    assert codes.shape == (len(wavs), len(tokenizer.streams), lengths.max()) and codes.dtype == torch.long
    for row, n in zip(codes, lengths, strict=True):
        assert (row[:, n:] == 0).all()
    for stream, row in zip(tokenizer.streams, codes.unbind(1), strict=True):
        assert row.min() >= 0 and row.max() < stream.size
    assert len(codes[0, 0].unique()) > 1, "a tokenizer that says the same whatever it hears would pass all the rest"


def test_deterministic_and_the_same_after_loading(exp, tokenizer, wavs, encoded):
    assert torch.equal(tokenizer.encode(**pad(wavs))[0], encoded[0])
    again = load_tokenizer(exp)
    assert again.tok_id == tokenizer.tok_id and torch.equal(again.encode(**pad(wavs))[0], encoded[0])


def test_alone_batched_and_in_another_order(tokenizer, wavs, encoded):
    codes, lengths = encoded
    backwards, _ = tokenizer.encode(**pad(wavs[::-1]))
    for i, wav in enumerate(wavs):
        alone, n = tokenizer.encode(**pad([wav]))
        assert n[0] == lengths[i]
        assert torch.equal(alone[0], codes[i, :, : n[0]])
        assert torch.equal(alone[0], backwards[-1 - i, :, : n[0]])


def test_codebooks_are_those_of_the_streams_or_none(tokenizer):
    codebooks = tokenizer.codebooks()
    if codebooks is None:
        assert isinstance(tokenizer, AdaptedTokenizer)
        return
    assert [len(vectors) for vectors in codebooks] == [stream.size for stream in tokenizer.streams]
    assert all(torch.isfinite(vectors).all() and not vectors.requires_grad for vectors in codebooks)


def test_one_sample(tokenizer):
    codes, lengths = tokenizer.encode(torch.full((1, 1), 0.1), torch.tensor([1]))
    assert codes.shape == (1, len(tokenizer.streams), 1) and lengths.tolist() == [1]


def test_round_trip(tokenizer, wavs, encoded):
    if not tokenizer.can_decode:
        return
    codes, lengths = encoded
    spoken, samples = tokenizer.decode(codes, lengths)
    assert spoken.shape == (len(wavs), samples.max()) and torch.isfinite(spoken).all() and spoken[0].abs().max() > 0
    for i, wav in enumerate(wavs):
        assert 0 <= samples[i] - len(wav) < 16000 / tokenizer.frame_rate, "as long as the original, up to its last frame"
        alone, n = tokenizer.decode(codes[i : i + 1, :, : lengths[i]], lengths[i : i + 1])
        assert n[0] == samples[i]
        assert torch.allclose(alone[0], spoken[i, : n[0]], atol=1e-5) and (spoken[i, n[0] :] == 0).all()
    first, n = tokenizer.decode(codes[:, :1], lengths)
    assert torch.equal(n, samples) and torch.isfinite(first).all()


def test_the_bit_rate_counts_all_that_is_sent(tokenizer, encoded):
    assert bitrate(tokenizer.streams, tokenizer.frame_rate) == pytest.approx(
        sum(np.log2(stream.size) for stream in tokenizer.streams) * tokenizer.frame_rate
    )
    if not tokenizer.can_decode:
        return
    codes, lengths = encoded[0][:1], encoded[1][:1]
    spoken, _ = tokenizer.decode(codes, lengths)
    for k, stream in enumerate(tokenizer.streams):
        changed = codes.clone()
        changed[:, k] = (changed[:, k] + stream.size // 2) % stream.size
        assert not torch.equal(tokenizer.decode(changed, lengths)[0], spoken), f"{stream.name} is counted and not heard"
