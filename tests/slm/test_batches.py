"""Batches: a function of seed and epoch, of the sizes and ratios that the config says, packed without loss."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lmspt.errors import InputError
from lmspt.slm.batches import SLMBatches
from lmspt.slm.config import SLMBatchConfig
from lmspt.slm.examples import prepare, read_examples
from lmspt.slm.packing import OPEN_ROWS, by_budget, pack, pack_sequences
from lmspt.slm.pattern import make_pattern
from lmspt.slm.sequence import Layout, Sequence
from lmspt.slm.vocab import ASR, MASK, PAD, SPEECH_ONLY, TEXT_ONLY, TTS, VOICE, load_vocabulary
from tests.slm.toy import CONFIG, write_corpus

LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    prepare(CONFIG, folder / "tokens", folder / "raw", "train", "dev", folder / "data")
    return folder / "data"


def batches(folder: Path, split: str = "train", steps: int | None = 5, seed: int = 0, epoch: int = 1, voice: int = 0, **options):
    vocab = load_vocabulary(folder / "vocab.json")
    examples, tokens = read_examples(folder, split, vocab.tok_id)
    layout = Layout(vocab, make_pattern("delay", len(vocab.streams)), voice)
    return list(SLMBatches(examples, tokens, layout, SLMBatchConfig(**options), steps, seed).build_iter(epoch))


@pytest.mark.parametrize("ratios", [{"asr_ratio": 0.25, "tts_ratio": 0.1}, {"asr_ratio": 0.0, "tts_ratio": 0.1}])
def test_a_step_has_something_to_learn_where_ratios_draw_nothing(folder, ratios):
    drawn = [batch["task"] for _, batch in batches(folder, batch_size=2, steps=40, **ratios)]
    assert len(drawn) == 40
    wanted = ASR if ratios["asr_ratio"] else TTS
    lone = [tasks[tasks > 0].unique().tolist() for tasks in drawn if len(tasks) == 1]
    assert [wanted] in lone
    assert len(lone) > 20


SIZES = [{"batch_size": 4}, {"batch_tokens": 200}, {"batch_tokens": 200, "pack_length": 50}]


@pytest.mark.parametrize("sizes", SIZES)
def test_a_function_of_seed_and_epoch(folder, sizes):
    def ids(**which):
        return [batch["ids"] for _, batch in batches(folder, mask_tokens=0.3, **which, **sizes)]

    assert len(ids()) == 5
    assert all(torch.equal(a, b) for a, b in zip(ids(), ids(), strict=True))
    for other in ({"epoch": 2}, {"seed": 1}):
        assert not all(a.shape == b.shape and torch.equal(a, b) for a, b in zip(ids(), ids(**other), strict=True))


@pytest.mark.parametrize("sizes", SIZES)
def test_validation_goes_through_all_once_and_blurs_nothing(folder, sizes):
    whole = batches(folder, "valid", steps=None, **sizes)
    assert len({key for keys, _ in whole for key in keys}) == 24
    assert not any((batch["ids"] == MASK).any() for _, batch in whole)
    begins = {task: sum(int((batch["ids"][..., 0] == task).sum()) for _, batch in whole) for task in (ASR, TTS, TEXT_ONLY)}
    assert begins == {ASR: 24, TTS: 24, TEXT_ONLY: 0}


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("pattern", ["delay", "flatten"])
def test_what_an_epoch_held_is_counted(folder, sizes, pattern):
    vocab = load_vocabulary(folder / "vocab.json")
    examples, tokens = read_examples(folder, "train", vocab.tok_id)
    layout = Layout(vocab, make_pattern(pattern, len(vocab.streams)), voice_frames=2)
    config = SLMBatchConfig(
        **{**sizes, "batch_tokens": 3 * sizes.get("batch_tokens", 0), "pack_length": 2 * sizes.get("pack_length", 0)}
    )
    source = SLMBatches(examples, tokens, layout, config, 5, 0)
    list(source.build_iter(1))
    frames, held = dict.fromkeys((ASR, TTS), 0), 0
    for keys, batch in source.build_iter(2):
        begins = batch["ids"][..., 0]
        tasks = [int(task) for task in begins[(begins == ASR) | (begins == TTS)]]
        of = keys if config.batch_tokens else [key for key in keys for _ in range(2)]
        for key, task in zip(of, tasks, strict=True):
            frames[task] += tokens[key].shape[1]
        held += int((batch["ids"] != PAD).any(-1).sum())
    assert source.amounts() == {
        "heard_seconds": frames[ASR] / 12.5,
        "spoken_seconds": frames[TTS] / 12.5,
        "positions": held,
    }
    assert held > 0


def test_only_heard_tokens_are_masked(folder):
    masked = 0
    for _, batch in batches(folder, batch_size=4, mask_tokens=0.5):
        hidden = batch["ids"] == MASK
        assert not (hidden & batch["predict"]).any() and not hidden[..., 1:].any() and not hidden[1::2].any()
        masked += int(hidden.sum())
    assert masked > 0


def test_a_batch_of_tokens_is_as_long_as_said_and_of_like_length(folder):
    whole = batches(folder, batch_tokens=150, steps=40)
    sizes = np.array([batch["ids"].shape[:2] for _, batch in whole])
    assert (sizes.prod(1) <= 150).all() and sizes.prod(1).mean() > 110
    lengths = [(batch["ids"][..., 0] != PAD).sum(1) for _, batch in whole]
    assert np.mean([(a.max() - a.min()).item() for a in lengths]) <= 1


def test_ratios_are_kept(folder):
    ratios = {"asr_ratio": 1.0, "tts_ratio": 2.0, "text_ratio": 0.25, "speech_ratio": 0.5}
    whole = batches(folder, batch_tokens=1000, pack_length=100, steps=60, **ratios)
    counts = {t: sum(int((b["ids"][..., 0] == t).sum()) for _, b in whole) for t in (ASR, TTS, TEXT_ONLY, SPEECH_ONLY)}
    assert counts[TTS] / counts[ASR] == pytest.approx(2.0, rel=0.1)
    assert counts[TEXT_ONLY] / counts[ASR] == pytest.approx(0.25, rel=0.3)
    assert counts[SPEECH_ONLY] / counts[ASR] == pytest.approx(0.5, rel=0.2)


def test_a_voice_is_another_utterance(folder):
    for _, batch in batches(folder, batch_size=4, voice=2, asr_ratio=0.0):
        assert ((batch["ids"][..., 0] == VOICE).sum(1) == 1).all()
    assert not any((batch["ids"] == VOICE).any() for _, batch in batches(folder, batch_size=4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pack_length": 64}, "set batch_tokens to as much at least"),
        ({"batch_tokens": 8, "pack_length": 8}, "takes .* steps, and pack_length is 8"),
        ({"asr_ratio": 0.0, "tts_ratio": 0.0}, "nothing to learn"),
    ],
)
def test_sizes_that_make_no_batch(folder, options, message):
    with pytest.raises(InputError, match=message):
        batches(folder, **options)


def of_length(n: int, number: int) -> tuple[str, Sequence]:
    return f"utt{number}", Sequence(ASR, np.full((n, 1), 256 + number), np.ones((n, 1), dtype=bool))


@given(LENGTHS)
def test_packing_keeps_each_sequence_once(lengths):
    rows = list(pack([of_length(n, i) for i, n in enumerate(lengths)], 30))
    assert sorted(key for row in rows for key, _ in row) == sorted(f"utt{i}" for i in range(len(lengths)))
    assert all(sum(len(sequence) for _, sequence in row) <= 30 for row in rows)
    packed = pack_sequences([[sequence for _, sequence in row] for row in rows], 30)
    for number, n in enumerate(lengths):
        here = packed["ids"][..., 0] == 256 + number
        assert here.sum() == n and packed["position"][here].tolist() == list(range(n))
    assert packed["predict"].sum() == sum(lengths)


@given(LENGTHS, st.integers(1, 100))
def test_a_budget_keeps_each_sequence_once(lengths, budget):
    whole = by_budget([of_length(n, i) for i, n in enumerate(lengths)], budget)
    assert sorted(key for batch in whole for key, _ in batch) == sorted(f"utt{i}" for i in range(len(lengths)))
    assert all(len(batch) == 1 or len(batch) * max(len(s) for _, s in batch) <= budget for batch in whole)


def test_rows_are_nearly_full():
    lengths = np.random.default_rng(0).lognormal(4.0, 0.6, 3000).astype(int).clip(4, 512)
    rows = list(pack((of_length(n, 0) for n in lengths), 512))[:-OPEN_ROWS]
    assert np.mean([sum(len(sequence) for _, sequence in row) for row in rows]) > 0.97 * 512
