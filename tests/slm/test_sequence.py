"""The patterns round trip, and what stands where in the tasks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lmspt.slm.pattern import make_pattern
from lmspt.slm.sequence import Layout
from lmspt.slm.vocab import ASR, END, PAD, SPEECH, SPEECH_ONLY, TEXT, TEXT_ONLY, TTS, VOICE
from tests.slm.test_vocab import toy

NAMES = ["delay", "parallel", "coarse_first", "flatten"]
CODES = hnp.arrays(np.int64, st.tuples(st.integers(1, 6), st.integers(1, 20)), elements=st.integers(5, 90))
TOY_CODES = np.array([[3, 4], [5, 6], [7, 0]])


@pytest.mark.parametrize("name", NAMES)
@given(codes=CODES)
def test_round_trip(name, codes):
    pattern, n_frames = make_pattern(name, len(codes)), codes.shape[1]
    steps = pattern.spread(codes, end=1, pad=0)
    assert steps.shape == (pattern.n_steps(n_frames), pattern.width)
    assert np.array_equal(pattern.gather(steps, n_frames), codes)
    assert np.array_equal(pattern.gather(steps[:-1], n_frames), codes)  # the last step is the end alone
    assert pattern.n_frames(len(steps) - 1) == n_frames and pattern.n_frames(len(steps) - 2) == n_frames - 1
    assert steps[-1, 0] == 1 and (steps[-1, 1:] == 0).all()


@pytest.mark.parametrize("name", NAMES)
@given(codes=CODES)
def test_places_say_where_each_code_stands(name, codes):
    pattern = make_pattern(name, len(codes))
    steps, seen = pattern.spread(codes, end=1, pad=0), set()
    for number, step in enumerate(steps):
        for stream, column, frame in pattern.places(number):
            if frame < codes.shape[1]:
                assert step[column] == codes[stream, frame]
                seen.add((stream, frame))
    assert len(seen) == codes.size


@given(codes=CODES)
def test_what_a_code_knows(codes):
    """Steps before a code's own hold: delay and flatten, its frame's earlier streams; coarse-first, the semantic one."""

    def step_of(name):
        pattern = make_pattern(name, len(codes))
        steps = range(pattern.n_steps(codes.shape[1]))
        return {(place.stream, place.frame): step for step in steps for place in pattern.places(step)}

    delay, parallel, coarse, flat = map(step_of, NAMES)
    for frame in range(codes.shape[1]):
        for stream in range(1, len(codes)):
            assert delay[stream, frame] > delay[stream - 1, frame] and flat[stream, frame] > flat[stream - 1, frame]
            assert coarse[stream, frame] == coarse[0, frame] + 1 and parallel[stream, frame] == parallel[0, frame]


def layout(name="delay", voice_frames=0):
    vocab = toy()
    return Layout(vocab, make_pattern(name, len(vocab.streams)), voice_frames)


def test_asr():
    sequence = layout().asr(np.array([3, 0]), [7, 2])
    assert sequence.ids[:, 0].tolist() == [ASR, 271, 268, TEXT, 263, 258, END]
    assert (sequence.ids[:, 1:] == PAD).all()
    assert sequence.predict[:, 0].tolist() == [False] * 4 + [True] * 3
    assert not sequence.predict[:, 1:].any()
    assert sequence.ids[sequence.heard :, 0].tolist()[:2] == [271, 268]


def test_tts():
    sequence = layout().tts(TOY_CODES, [9], 266)
    assert sequence.ids[:4, 0].tolist() == [TTS, 266, 265, SPEECH]
    assert sequence.ids[4:].tolist() == [[271, PAD, PAD], [272, 289, PAD], [END, 290, 299], [END, PAD, 292], [END, PAD, PAD]]
    # each code once, the end once
    assert sequence.predict.sum(0).tolist() == [3, 2, 2]
    assert sequence.predict[4:7, 0].all()


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("parallel", [[271, 289, 299], [272, 290, 292], [END, PAD, PAD]]),
        ("coarse_first", [[271, PAD, PAD], [272, 289, 299], [END, 290, 292], [END, PAD, PAD]]),
        ("flatten", [[271], [289], [299], [272], [290], [292], [END]]),
    ],
)
def test_tts_in_other_patterns(name, written):
    sequence = layout(name).tts(TOY_CODES, [9], 266)
    assert sequence.ids[4:].tolist() == written
    assert sequence.predict.sum() == TOY_CODES.size + 1 and not sequence.predict[:4].any()


def test_a_voice_stands_before_the_text_and_is_not_predicted():
    voice = np.array([[1, 2, 3], [0, 0, 0], [0, 0, 0]])
    sequence = layout("flatten", voice_frames=2).tts(TOY_CODES, [9], 266, voice)
    assert sequence.ids[:, 0].tolist()[:10] == [TTS, 266, VOICE, 269, 284, 292, 270, 284, 292, 265]
    assert not sequence.predict[:11].any() and sequence.predict[11:].all()


def test_text_and_speech_alone():
    text, speech = layout().text([7, 2]), layout().speech(TOY_CODES, 266)
    assert text.ids[:, 0].tolist() == [TEXT_ONLY, 263, 258, END] and text.predict[:, 0].tolist() == [False, True, True, True]
    assert speech.ids[:4, 0].tolist() == [SPEECH_ONLY, 266, SPEECH, 271] and speech.predict.sum() == TOY_CODES.size + 1


def test_a_chat_prompt_stands_around_what_is_read():
    vocab = toy(turns={"asr": [[1, 2], [3]], "tts": [[4], [5]]})
    chat = Layout(vocab, make_pattern("delay", 3))
    sequence = chat.asr(np.array([3, 0]), [7])
    assert sequence.ids[:, 0].tolist() == [257, 258, ASR, 271, 268, 259, TEXT, 263, END]
    assert sequence.ids[sequence.heard :, 0].tolist()[:2] == [271, 268]
    assert chat.tts_prompt([9], 266)[:, 0].tolist() == [260, TTS, 266, 265, 261, SPEECH]
