"""Losses by hand, no leak from the future or from padding, pretrained backbones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from lmspt.errors import InputError
from lmspt.slm.batches import pad_sequences
from lmspt.slm.config import SLMConfig
from lmspt.slm.model import from_pretrained
from lmspt.slm.sequence import asr_sequence, tts_sequence
from lmspt.slm.vocab import ASR, END, PAD, TTS
from tests.slm.test_vocab import toy
from tests.slm.toy import toy_model

SEQUENCES = [
    asr_sequence(toy(), np.array([3, 0, 4]), [7, 2]),
    tts_sequence(toy(), np.array([[3, 4], [5, 6], [7, 0]]), [9], 266),
]


def test_loss_by_hand():
    model = toy_model()
    batch = pad_sequences(SEQUENCES)
    _, stats, weight = model(**batch)
    assert weight == 2
    hidden = model.backbone(inputs_embeds=model.embed(batch["ids"])).last_hidden_state
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
    hidden, changed = (model.backbone(inputs_embeds=model.embed(x)).last_hidden_state for x in (ids, later))
    assert torch.equal(hidden[:, :5], changed[:, :5])


def test_absent_streams_add_nothing():
    model = toy_model()
    assert model.embed(torch.tensor([[[PAD, PAD, PAD]]])).abs().max() == 0


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pretrained")
    config = LlamaConfig(
        vocab_size=12, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2, intermediate_size=32
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


def test_pretrained_backbone_keeps_its_text_embeddings(pretrained):
    theirs = LlamaForCausalLM.from_pretrained(pretrained)
    model = from_pretrained(SLMConfig(backbone=str(pretrained)), toy())
    begin, size = model.vocab.text.begin, model.vocab.text.size
    assert torch.equal(model.embedding.weight[begin : begin + size], theirs.get_input_embeddings().weight[:size])
    assert torch.equal(model.head.weight[begin : begin + size], theirs.get_output_embeddings().weight[:size])
    units = torch.tensor([[3, 1, 4]])
    hidden = model.backbone(inputs_embeds=model.embed(torch.stack([begin + units, units * 0, units * 0], -1))).last_hidden_state
    expected = theirs.model(input_ids=units).last_hidden_state
    assert torch.allclose(hidden, expected, atol=1e-6)


def test_unknown_backbone(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="backbone '/no/such/model'"):
        from_pretrained(SLMConfig(backbone="/no/such/model"), toy())
