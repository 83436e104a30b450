"""Batches: a function of seed, epoch and rank, of one length, each utterance whole once in validation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed

from lmspt.data.audio import Utterances
from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from lmspt.tokenizer.batches import Crops, WholeUtterances, by_length
from lmspt.tokenizer.config import BatchConfig
from tests.tokenizer.corpus import RATE, write_corpus


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("raw"))


def crops(data, seed=0, epoch=1, steps=3):
    config = BatchConfig(batch_size=4, segment_seconds=0.8)
    return list(Crops(Utterances(data, RATE), data.utts, config, VariationConfig(), steps, seed).build_iter(epoch))


def same(a, b):
    return all(u == v and torch.equal(x["wav"], y["wav"]) for (u, x), (v, y) in zip(a, b, strict=True))


def test_crops_are_a_function_of_seed_and_epoch(data):
    assert same(crops(data), crops(data))
    assert not same(crops(data), crops(data, seed=1)) and not same(crops(data), crops(data, epoch=2))


def test_crops_reach_the_end(data):
    """One that is a sample shorter than the utterance begins with its first or its second."""
    config = BatchConfig(segment_seconds=4 / RATE)
    source = Crops(Utterances(data, RATE), data.utts, config, VariationConfig(), steps=1, seed=0)
    wav = np.arange(5, dtype=np.float32)
    assert {tuple(source._crop(wav, np.random.default_rng(seed))) for seed in range(20)} == {(0, 1, 2, 3), (1, 2, 3, 4)}


def test_crops_have_their_length_and_no_more(data):
    for utts, batch in crops(data):
        assert len(utts) == len(batch["wav"]) == 4
        assert batch["wav"].shape[1] == batch["lengths"].max() <= 0.8 * RATE
        for wav, length in zip(batch["wav"], batch["lengths"], strict=True):
            assert wav[length:].abs().sum() == 0


def test_every_utterance_comes_before_any_comes_again(data):
    seen = [utt for utts, _ in crops(data, steps=7) for utt in utts]
    assert sorted(seen[: len(data.utts)]) == data.utts


def on_ranks(monkeypatch, n, build):
    """What ``build`` gives on each of ``n`` ranks."""
    built = []
    for number in range(n):
        monkeypatch.setattr(distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(distributed, "get_rank", lambda number=number: number)
        monkeypatch.setattr(distributed, "get_world_size", lambda: n)
        built.append(build())
    return built


def test_ranks_share_no_utterance_and_one_is_as_none(data, monkeypatch):
    alone = crops(data, steps=7)
    first, second = on_ranks(monkeypatch, 2, lambda: crops(data, steps=7))
    heard = [{utt for utts, _ in batches for utt in utts} for batches in (first, second)]
    assert not heard[0] & heard[1] and heard[0] | heard[1] == set(data.utts)
    (only,) = on_ranks(monkeypatch, 1, lambda: crops(data, steps=7))
    assert same(only, alone)


def test_fewer_utterances_than_ranks_are_an_error(data, monkeypatch):
    with pytest.raises(InputError, match="start fewer"):
        on_ranks(monkeypatch, 99, lambda: crops(data))


def test_ranks_validate_everything_once_between_them(data, monkeypatch):
    audio = Utterances(data, RATE)
    shares = on_ranks(monkeypatch, 2, lambda: list(WholeUtterances(audio, data.utts, batch_seconds=2.0).build_iter(1)))
    heard = [utt for share in shares for utts, _ in share for utt in utts]
    assert sorted(heard) == data.utts and all(shares)


def test_validation_hears_everything_whole_once(data):
    audio = Utterances(data, RATE)
    heard = {}
    for utts, batch in WholeUtterances(audio, data.utts, batch_seconds=2.0).build_iter(1):
        heard.update({utt: wav[:n] for utt, wav, n in zip(utts, batch["wav"], batch["lengths"], strict=True)})
    assert sorted(heard) == data.utts
    assert all(np.array_equal(wav.numpy(), audio[utt]) for utt, wav in heard.items())


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(1, 50), min_size=1), st.integers(1, 120))
def test_batches_by_length(num_samples, limit):
    batches = by_length(num_samples, limit)
    assert sorted(utt for batch in batches for utt in batch) == sorted(num_samples)
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(num_samples[utt] for utt in batch) <= limit
