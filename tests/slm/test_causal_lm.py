"""A flattened model as a plain one: its logits, what may come next, and the same speech and text from another generator."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LogitsProcessorList

from lmspt.errors import InputError
from lmspt.slm.causal_lm import LegalIds, save_causal_lm, written_codes
from lmspt.slm.config import SamplingConfig
from lmspt.slm.generate import speak, transcribe
from lmspt.slm.vocab import ASR, END, TTS, load_vocabulary
from tests.slm.toy import toy_model

CODES = np.array([[3, 15, 0, 7], [7, 0, 2, 1], [1, 2, 3, 4]])


@pytest.fixture(scope="module")
def model():
    return toy_model(seed=1, pattern="flatten")


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plain")
    save_causal_lm(model, folder)
    return folder


@pytest.fixture(scope="module")
def plain(folder):
    return AutoModelForCausalLM.from_pretrained(folder).eval()


def answer(plain, prompt, legal, n_most):
    """Ids that a generator which knows nothing of speech writes after a prompt (T, 1), end included."""

    def process(ids, scores):
        return legal(ids[0, len(prompt) :].tolist(), scores[0])[None]

    ids = torch.from_numpy(prompt[:, 0])[None]
    given = {"attention_mask": torch.ones_like(ids), "do_sample": False, "max_new_tokens": n_most}
    return plain.generate(ids, logits_processor=LogitsProcessorList([process]), **given)[0, len(prompt) :].tolist()


@torch.no_grad()
def test_logits_are_the_models(model, plain):
    steps = torch.from_numpy(model.layout.tts(CODES, [1, 2, 3], 266).ids)[None]
    ours, theirs = model.read(steps) @ model.head.weight.T, plain(steps[..., 0]).logits
    assert theirs.shape == (1, steps.shape[1], model.vocab.size)
    assert torch.allclose(ours, theirs, atol=1e-4) and ours.std() > 0.1


def test_speech_is_the_models(model, plain):
    ((codes, ended),) = speak(model, [[1, 2, 3]], [266], [0], SamplingConfig(temperature=0.0))
    n_most = codes.size + ended
    written = answer(plain, model.layout.tts_prompt([1, 2, 3], 266), LegalIds(model.vocab, TTS), n_most)
    found, found_end = written_codes(model.vocab, written)
    assert codes.shape[1] > 3 and np.array_equal(found, codes) and found_end == ended


def test_text_is_the_models(model, plain):
    ((units, ended),) = transcribe(model, [CODES[0]], max_units=9)
    written = answer(plain, model.layout.asr_prompt(CODES[0]), LegalIds(model.vocab, ASR), 9)
    assert [i - model.vocab.text.begin for i in written if i != END] == units and (END in written) == ended


def test_legal_ids(folder):
    vocab = load_vocabulary(folder / "vocab.json")
    logits = torch.arange(float(vocab.size))

    def kept(task, n_written):
        found = LegalIds(vocab, task)([268] * n_written, logits)
        assert torch.equal(found[found.isfinite()], logits[found.isfinite()])
        return found.isfinite().nonzero()[:, 0].tolist()

    assert kept(TTS, 0) == list(range(268, 284))
    assert kept(TTS, 1) == kept(TTS, 4) == list(range(284, 292)) and kept(TTS, 2) == list(range(292, 300))
    assert kept(TTS, 3) == [END, *range(268, 284)]
    assert kept(ASR, 0) == kept(ASR, 5) == [END, *range(256, 266)]


def test_codes_of_ids(model):
    written = model.layout.pattern.spread(CODES + np.array([[268], [284], [292]]), END, 0)[:, 0].tolist()
    for ids, n_frames, end in ((written, 4, True), (written[:-1], 4, False), (written[:8], 2, False), ([], 0, False)):
        codes, ended = written_codes(model.vocab, ids)
        assert np.array_equal(codes, CODES[:, :n_frames]) and ended == end


def test_a_tied_table_is_saved_once(tmp_path):
    model = toy_model(pattern="flatten")
    model.head.weight, model.tied = model.embedding.weight, True
    save_causal_lm(model, tmp_path)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert plain.get_output_embeddings().weight is plain.get_input_embeddings().weight
    assert torch.equal(plain.get_input_embeddings().weight, model.embedding.weight)


def test_several_ids_a_step_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"pattern delay: a step has 3 ids.*train with pattern: flatten"):
        save_causal_lm(toy_model(pattern="delay"), tmp_path)
