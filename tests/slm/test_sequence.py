"""The delay pattern round trip, and what stands where in the two tasks."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lmspt.slm.pattern import delay, undelay
from lmspt.slm.sequence import asr_sequence, tts_sequence
from lmspt.slm.vocab import ASR, END, PAD, SPEECH, TEXT, TTS
from tests.slm.test_vocab import toy

CODES = hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(5, 90))


@given(CODES)
def test_delay_round_trip(codes):
    steps = delay(codes, end=1, pad=0)
    assert np.array_equal(undelay(steps, codes.shape[1]), codes)
    assert steps.shape == (codes.shape[1] + codes.shape[0], codes.shape[0])


@given(CODES)
def test_a_code_comes_after_the_earlier_streams_of_its_frame(codes):
    steps = delay(codes, end=1, pad=0)
    for stream in range(len(codes)):
        assert (steps[:stream, stream] == 0).all()
        assert np.array_equal(steps[stream : stream + codes.shape[1], stream], codes[stream])
    assert (steps[codes.shape[1] :, 0] == 1).all()


def test_asr():
    sequence = asr_sequence(toy(), np.array([3, 0]), [7, 2])
    assert sequence.ids[:, 0].tolist() == [ASR, 271, 268, TEXT, 263, 258, END]
    assert (sequence.ids[:, 1:] == PAD).all()
    assert sequence.predict[:, 0].tolist() == [False] * 4 + [True] * 3
    assert not sequence.predict[:, 1:].any()


def test_tts():
    codes = np.array([[3, 4], [5, 6], [7, 0]])
    sequence = tts_sequence(toy(), codes, [9], 266)
    assert sequence.ids[:4, 0].tolist() == [TTS, 266, 265, SPEECH]
    assert sequence.ids[4:].tolist() == [[271, PAD, PAD], [272, 289, PAD], [END, 290, 299], [END, PAD, 292], [END, PAD, PAD]]
    # each code once, the end once
    assert sequence.predict.sum(0).tolist() == [3, 2, 2]
    assert sequence.predict[4:7, 0].all()
