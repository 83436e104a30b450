"""Losses by hand; no leak from the future, from padding, or from other sequences of a packed row."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import GPT2Config, Qwen2Config

from lmspt.errors import InputError
from lmspt.slm.model import SpeechLM
from lmspt.slm.packing import check_packing, pack_sequences, pad_sequences
from lmspt.slm.sequence import Layout, Sequence
from lmspt.slm.vocab import ASR, END, PAD, TTS
from tests.slm.test_sequence import layout
from tests.slm.toy import toy_model

CODES = np.array([[3, 4], [5, 6], [7, 0]])
PATTERNS = ["delay", "parallel", "coarse_first", "flatten"]


def sequences(of: Layout) -> list[Sequence]:
    """One of each task."""
    return [of.asr(np.array([3, 0, 4]), [7, 2]), of.tts(CODES, [9], 266), of.text([1, 2, 3]), of.speech(CODES, 3)]


SEQUENCES = sequences(layout())[:2]


def test_loss_by_hand():
    model = toy_model()
    batch = pad_sequences(SEQUENCES)
    _, stats, weight = model(**batch)
    assert weight == 2
    hidden = model.read(batch["ids"])
    for row, (task, name) in enumerate(((ASR, "asr"), (TTS, "tts"))):
        streams = []
        for stream in range(1 if task == ASR else 3):
            legal = model.vocab.legal(task, stream).tolist()
            terms = []
            for step in range(1, batch["ids"].shape[1]):
                if batch["predict"][row, step, stream]:
                    scores = model.head.weight[legal] @ hidden[row, step - 1]
                    terms.append(-scores.log_softmax(0)[legal.index(int(batch["ids"][row, step, stream]))])
            streams.append(torch.stack(terms).mean())
        weights = torch.tensor([1.0, 0.5, 0.5][: len(streams)])
        expected = (torch.stack(streams) * weights).sum() / weights.sum()
        assert stats[f"loss_{name}"].item() == pytest.approx(expected.item(), rel=1e-4)


def test_tasks_are_weighed():
    model = toy_model()
    model.config.asr_weight, model.config.tts_weight = 3.0, 0.25
    loss, stats, _ = model(**pad_sequences(SEQUENCES))
    assert loss.item() == pytest.approx((3.0 * stats["loss_asr"] + 0.25 * stats["loss_tts"]).item(), rel=1e-6)


def test_padding_changes_no_loss():
    model = toy_model()
    alone = [model(**pad_sequences([sequence]))[1] for sequence in SEQUENCES]
    _, together, _ = model(**pad_sequences(SEQUENCES))
    assert together["loss_asr"].item() == pytest.approx(alone[0]["loss_asr"].item(), rel=1e-5)
    assert together["loss_tts"].item() == pytest.approx(alone[1]["loss_tts"].item(), rel=1e-5)


def test_the_future_is_not_seen():
    model = toy_model()
    ids = pad_sequences(SEQUENCES)["ids"]
    later = ids.clone()
    later[:, 5:] = END
    hidden, changed = model.read(ids), model.read(later)
    assert torch.equal(hidden[:, :5], changed[:, :5])


def test_absent_streams_add_nothing():
    model = toy_model()
    assert model.embed(torch.tensor([[[PAD, PAD, PAD]]])).abs().max() == 0


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_task_learns_in_every_pattern(pattern):
    model = toy_model(pattern=pattern).train()
    batch = pad_sequences(sequences(model.layout))
    loss, stats, _ = model(**batch)
    assert {"loss_asr", "loss_tts", "loss_text", "loss_speech"} <= stats.keys()
    loss.backward()
    with_gradient = {name for name, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0}
    assert with_gradient == {name for name, _ in model.named_parameters()}


def test_flattened_loss_by_hand():
    model = toy_model(pattern="flatten", stream_weights=[2.0, 1.0, 0.0])
    batch = pad_sequences([model.layout.tts(CODES, [9], 266)])
    hidden = model.read(batch["ids"])[0]
    losses = {0: [], 1: [], 2: []}
    for step in range(4, 4 + 7):  # s a b s a b <end>
        stream = (step - 4) % 3
        legal = model.vocab.legal(TTS, stream).tolist()
        scores = model.head.weight[legal] @ hidden[step - 1]
        losses[stream].append(-scores.log_softmax(0)[legal.index(int(batch["ids"][0, step, 0]))])
    means = [torch.stack(values).mean() for values in losses.values()]
    assert len(losses[0]) == 3
    assert model(**batch)[1]["loss_tts"].item() == pytest.approx(((2 * means[0] + means[1]) / 3).item(), rel=1e-4)


def test_depth_knows_the_earlier_streams_of_its_frame_and_no_later_one():
    model = toy_model(pattern="coarse_first")
    hidden, earlier = torch.randn(2, 32), torch.tensor([[284, 292], [285, 293]])
    states = model.depth(hidden, earlier)
    changed = model.depth(hidden, earlier + torch.tensor([0, 1]))
    assert states.shape == (2, 3, 16) and torch.equal(states[:, :2], changed[:, :2])
    assert not torch.allclose(states[:, 2], changed[:, 2])
    assert model.depth.logits(states[:, 1], 2).shape == (2, 8)


def backbones():
    shape = {"vocab_size": 12, "bos_token_id": None, "eos_token_id": None}
    qwen = Qwen2Config(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, intermediate_size=32, **shape
    )
    return {"llama": None, "qwen2": qwen, "gpt2": GPT2Config(n_embd=32, n_layer=2, n_head=2, **shape)}


@pytest.mark.parametrize("backbone", ["llama", "qwen2", "gpt2"])
def test_packed_as_alone(backbone):
    model = toy_model(seed=5)
    if backbone != "llama":
        model = SpeechLM(model.config, model.vocab, backbones()[backbone]).eval()
    check_packing(model)
    ours = sequences(model.layout)
    packed = pack_sequences([ours[:3], ours[3:]], 32)
    hidden = model.read(packed["ids"], packed["position"])
    begin = {0: 0, 1: 0}
    for number, sequence in enumerate(ours):
        row = number // 3
        alone = model.read(torch.from_numpy(sequence.ids)[None])[0]
        assert torch.allclose(hidden[row, begin[row] : begin[row] + len(sequence)], alone, atol=1e-5)
        begin[row] += len(sequence)
    padded_loss, packed_loss = model(**pad_sequences(ours))[0], model(**packed)[0]
    assert packed_loss.item() == pytest.approx(padded_loss.item(), rel=1e-5)


def test_packed_gradients_do_not_leak():
    model = toy_model(seed=5)
    first, second = (model.layout.tts(CODES, [unit], 266) for unit in (8, 9))
    packed = pack_sequences([[first, second]], 24)
    embedded = model.embed(packed["ids"]).detach().requires_grad_()
    model.embed = lambda ids: embedded
    hidden = model.read(packed["ids"], packed["position"])
    hidden[0, len(first) : len(first) + len(second)].square().sum().backward()
    reached = embedded.grad[0].abs().sum(-1) > 0
    assert not reached[: len(first)].any() and reached[len(first) : len(first) + len(second)].all()
    assert not reached[len(first) + len(second) :].any()


def test_a_backbone_that_sees_across_packed_sequences_is_refused(monkeypatch):
    model = toy_model()
    monkeypatch.setattr(model, "read", lambda ids, position: model.embed(ids).cumsum(1))
    with pytest.raises(InputError, match="sees across packed sequences; set pack_length to 0"):
        check_packing(model)
