"""Dumps and tokenizers on disk: the same codes alone, batched and after a kill; identities that tell models apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lmspt.data.audio import Utterances
from lmspt.data.tokens import TokenStore, TokenWriter, join_shares
from lmspt.data.variation import SHIFTS, VariationConfig
from lmspt.errors import InputError
from lmspt.tokenizer.checkpoint import load_tokenizer, save_tokenizer
from lmspt.tokenizer.config import BatchConfig, LossConfig, ObjectiveConfig
from lmspt.tokenizer.dump import dump
from lmspt.tokenizer.evaluate import resynthesise, token_report
from lmspt.tokenizer.model import LMSPT
from lmspt.train.config import TrainConfig
from tests.tokenizer.corpus import RATE, write_corpus
from tests.tokenizer.test_objectives import TINY


def save(folder, model, config=TINY):
    others = (ObjectiveConfig(), LossConfig(), BatchConfig(), VariationConfig(), TrainConfig())
    return save_tokenizer(folder, model.state_dict(), config, *others)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("raw"))


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("exp") / "tok_toy"
    save(folder, LMSPT(TINY))
    return load_tokenizer(folder)


def codes_of(store):
    return {key: store[key].copy() for key in store}


def test_a_tokenizer_comes_back_and_its_id_tells_weights_and_config(tmp_path):
    torch.manual_seed(0)
    model = LMSPT(TINY)
    first = save(tmp_path / "tok_a", model)
    assert first.startswith("a-") and load_tokenizer(tmp_path / "tok_a").tok_id == first
    assert save(tmp_path / "tok_a", model) == first
    assert save(tmp_path / "tok_a", model, replace(TINY, detach_semantic=True)) != first
    with torch.no_grad():
        model.decoder.head.bias[0] += 1
    assert save(tmp_path / "tok_a", model) != first


def test_a_folder_without_a_tokenizer(tmp_path):
    with pytest.raises(InputError, match="run stage 4"):
        load_tokenizer(tmp_path)


def test_dumped_codes_are_those_of_each_utterance_alone(tokenizer, data, tmp_path):
    assert dump(tokenizer, data, tmp_path / "tokens") == len(data.utts)
    store, audio = TokenStore(tmp_path / "tokens", tokenizer.tok_id), Utterances(data, RATE)
    for utt in data.utts:
        wav = torch.from_numpy(audio[utt])[None]
        alone, lengths = tokenizer.encode(wav, torch.tensor([wav.shape[1]]))
        assert np.array_equal(alone[0].numpy(), store[utt]) and lengths[0] == store[utt].shape[1]


def test_a_dump_that_was_broken_off_ends_the_same(tokenizer, data, tmp_path, monkeypatch):
    variation = VariationConfig()
    dump(tokenizer, data, tmp_path / "whole", 2, variation, batch_seconds=2.0)
    monkeypatch.setattr(TokenWriter.__init__, "__defaults__", (3,))  # shards of three
    encode, calls = tokenizer.encode, []

    def killed(wav, lengths):
        calls.append(1)
        if len(calls) > 4:
            raise KeyboardInterrupt
        return encode(wav, lengths)

    tokenizer.encode = killed
    with pytest.raises(KeyboardInterrupt):
        dump(tokenizer, data, tmp_path / "resumed", 2, variation, batch_seconds=2.0)
    tokenizer.encode = encode
    with pytest.raises(InputError, match="not finished"):
        TokenStore(tmp_path / "resumed")
    assert dump(tokenizer, data, tmp_path / "resumed", 2, variation, batch_seconds=2.0) == 2 * len(data.utts)
    whole, resumed = (codes_of(TokenStore(tmp_path / name)) for name in ("whole", "resumed"))
    assert whole.keys() == resumed.keys() == {f"{utt}#{n}" for utt in data.utts for n in range(2)}
    assert all(np.array_equal(codes, resumed[key]) for key, codes in whole.items())


def test_shares_together_are_the_whole(tokenizer, data, tmp_path):
    dump(tokenizer, data, tmp_path / "whole", 2, VariationConfig())
    for number in (1, 2, 3):
        dump(tokenizer, data, tmp_path / "shares", 2, VariationConfig(), share=(number, 3))
    assert join_shares(tmp_path / "shares", 3) == 2 * len(data.utts)
    whole, joined = (codes_of(TokenStore(tmp_path / name)) for name in ("whole", "shares"))
    assert whole.keys() == joined.keys()
    assert all(np.array_equal(codes, joined[key]) for key, codes in whole.items())


def test_resynthesis_and_report(tokenizer, data, tmp_path):
    dump(tokenizer, data, tmp_path / "tokens")
    store = TokenStore(tmp_path / "tokens")
    resynthesise(tokenizer, store, data.utts[:2], tmp_path / "all", 3)
    assert (tmp_path / "all/wav.scp").read_text().split()[::2] == data.utts[:2]
    report = token_report(tokenizer, data, store, data.utts)
    assert report["frame_rate"] == 12.5 and report["bitrate"] == 12.5 * 3 * 4
    assert set(report["streams"]) == {"semantic", "acoustic1", "acoustic2"}
    tokens, edits = report["stability"]["tokens"], report["stability"]["edits"]
    assert tokens == [store[utt].shape[1] for utt in data.utts]
    assert not any(edits["gain -6 dB"]), "the semantic stream does not hear the level"
    assert all(len(found) == len(tokens) for found in edits.values()) and edits.keys() == SHIFTS.keys()
    assert all(0 < sum(found) < 2 * sum(tokens) for name, found in edits.items() if not name.startswith("gain"))
    assert report == token_report(tokenizer, data, store, data.utts), "the noise is seeded"
