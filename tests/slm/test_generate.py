"""Generation: alone as in a batch, as without a cache, only legal ids, limits that are counted."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from lmspt.errors import InputError
from lmspt.slm.config import SamplingConfig
from lmspt.slm.decode import hear, is_stuck, other_utterances
from lmspt.slm.generate import speak, transcribe
from lmspt.slm.vocab import ASR, END, TTS
from tests.slm.toy import toy_model

HEARD = [np.array([1, 2, 3, 4, 5]), np.array([7]), np.array([3, 3, 9])]


def test_transcribe_alone_as_in_a_batch():
    model = toy_model(seed=4)
    together = transcribe(model, HEARD, max_units=12)
    assert [transcribe(model, [codes], max_units=12)[0] for codes in HEARD] == together
    assert len({tuple(units) for units, _ in together}) > 1
    assert all(0 <= unit < model.vocab.text.size for units, _ in together for unit in units)


def test_transcribe_as_without_a_cache():
    model = toy_model()
    units, ended = transcribe(model, HEARD[:1], max_units=6)[0]
    steps = torch.from_numpy(model.layout.asr_prompt(HEARD[0]))[None]
    for unit in units:
        hidden = model.backbone(inputs_embeds=model.embed(steps)).last_hidden_state[:, -1]
        best = model.legal(ASR, 0)[model.logits(hidden, ASR, 0).argmax(-1)]
        assert best == model.vocab.text.begin + unit
        steps = torch.cat([steps, torch.tensor([[[int(best), 0, 0]]])], dim=1)
    assert ended or len(units) == 6


def test_a_long_recording_may_have_a_long_text(monkeypatch):
    """What never ends is given up after as many units as could be said in its time, a short one after 200."""
    model = toy_model(seed=4)
    legal = model.legal(ASR, 0)
    monkeypatch.setattr(model, "legal", lambda task, stream: legal.where(legal != END, legal[legal != END][0]))
    heard = [np.arange(int(seconds * model.vocab.frame_rate)) % 8 for seconds in (1, 10)]
    assert [(len(units), ended) for units, ended in transcribe(model, heard)] == [(200, False), (300, False)]


@pytest.mark.parametrize("pattern", ["delay", "parallel", "coarse_first", "flatten"])
@pytest.mark.parametrize("sampling", [{"temperature": 0.0}, {"temperature": 0.9, "top_k": 5}, {"temperature": 1.5, "top_p": 0.8}])
def test_speak_alone_as_in_a_batch(pattern, sampling):
    model = toy_model(seed=3, pattern=pattern, voice_seconds=0.16)
    config = SamplingConfig(**sampling)
    units, speakers, numbers = [[1, 2], [3], [4, 5, 6, 7]], [266, 267, 3], [11, 12, 13]
    voices = [np.array([[3, 4, 5], [1, 2, 3], [0, 0, 0]]), None, np.array([[7], [7], [7]])]
    together = speak(model, units, speakers, numbers, config, voices)
    for i, (codes, ended) in enumerate(together):
        alone, alone_ended = speak(model, [units[i]], [speakers[i]], [numbers[i]], config, [voices[i]])[0]
        assert np.array_equal(alone, codes) and alone_ended == ended
        sizes = np.array([block.size for block in model.vocab.streams])[:, None]
        assert codes.shape[1] >= 1 and (codes >= 0).all() and (codes < sizes).all()


@pytest.mark.parametrize("pattern", ["delay", "parallel", "coarse_first", "flatten"])
def test_speak_as_training_reads_it(pattern):
    """Greedy speech, read back in one go, is what the model finds likeliest at each of its steps."""
    model = toy_model(seed=7, pattern=pattern)
    codes, ended = speak(model, [[1, 2]], [266], [0], SamplingConfig(temperature=0.0))[0]
    sequence = model.layout.tts(codes, [1, 2], 266)
    ids, predict = torch.from_numpy(sequence.ids)[None], torch.from_numpy(sequence.predict)[None]
    if not ended:
        predict &= ids != END
    if codes.shape[1] > 0:
        hidden = model.read(ids)[:, :-1]
        for stream, scores, target in model.scores(hidden, ids[:, 1:], predict[:, 1:], TTS):
            if stream == 0:
                scores[0, 0] = -torch.inf
            assert torch.equal(scores.argmax(-1), target)


def test_speech_that_does_not_end_is_cut_and_told():
    model = toy_model()
    with torch.no_grad():
        model.head.weight[END] = 0.0
        model.head.weight[model.vocab.streams[0].begin] = 0.0
        model.head.weight[model.vocab.streams[0].begin + 1 :] *= 10
    config = SamplingConfig(temperature=0.0, length_limit=1.0)
    codes, ended = speak(model, [[1, 2]], [3], [0], config)[0]
    assert not ended and codes.shape[1] == int(4.0 * 3)  # frames_a_unit x (units + 1)


def test_draws_depend_on_the_number_and_the_seed():
    model = toy_model()
    with torch.no_grad():
        model.head.weight.mul_(0.03)

    def codes(number, seed):
        return speak(model, [[1, 2, 3]], [3], [number], SamplingConfig(temperature=1.0, sampling_seed=seed))[0][0].tolist()

    assert codes(1, 0) == codes(1, 0)
    assert codes(1, 0) != codes(2, 0) and codes(1, 0) != codes(1, 1)


def test_top_p_keeps_the_likeliest_that_hold_the_mass():
    model = toy_model(seed=2)
    with torch.no_grad():
        model.head.weight.mul_(0.1)

    def spoken(**sampling):
        return [speak(model, [[1, 2, 3]], [3], [n], SamplingConfig(length_limit=0.3, **sampling))[0][0].tolist() for n in range(8)]

    greedy = spoken(temperature=0.0)
    assert spoken(temperature=1.0, top_p=1e-6) == greedy
    assert spoken(temperature=1.0, top_p=1.0) == spoken(temperature=1.0) != greedy


class Store(dict):
    """Codes by utterance, as a token store gives them."""


def test_controls():
    store = Store({"a": np.array([[1, 2, 3, 4, 5, 6]]), "b": np.array([[7, 8]]), "c": np.array([[9]])})
    assert {utt: codes.tolist() for utt, codes in hear(store, None).items()} == {"a": [1, 2, 3, 4, 5, 6], "b": [7, 8], "c": [9]}
    assert {utt: codes.tolist() for utt, codes in hear(store, "other").items()} == {"a": [7, 8], "b": [9], "c": [1, 2, 3, 4, 5, 6]}
    shuffled = hear(store, "shuffled")
    assert sorted(shuffled["a"].tolist()) == [1, 2, 3, 4, 5, 6] and shuffled["a"].tolist() != [1, 2, 3, 4, 5, 6]
    assert np.array_equal(hear(store, "shuffled")["a"], shuffled["a"])


@pytest.mark.parametrize(
    ("codes", "stuck"),
    [([5] * 20, True), ([1, 2] * 10, True), ([1, 2, 3, 4] * 5, True), (list(range(40)), False), ([5] * 12 + list(range(9)), False)],
)
def test_stuck(codes, stuck):
    assert is_stuck(np.array(codes), 12.5) == stuck


def test_a_voice_is_that_of_the_speakers_next_utterance():
    data = SimpleNamespace(folder="dump/raw/test", utt2spk={"a1": "ann", "a2": "ann", "a3": "ann", "b1": "bob"})
    store = Store({utt: np.array([[i]]) for i, utt in enumerate(data.utt2spk)})
    voices = other_utterances(data, ["a1", "a3"], store)
    assert {utt: int(codes[0, 0]) for utt, codes in voices.items()} == {"a1": 1, "a3": 0}
    with pytest.raises(InputError, match="speaker 'bob' has no second utterance"):
        other_utterances(data, ["b1"], store)
    with pytest.raises(InputError, match="--tokens"):
        other_utterances(data, ["a1"], None)


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}, {"length_limit": 0.0}])
def test_draws_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InputError, match="must be 0 or more, 1 or more"):
        SamplingConfig(**wrong)
