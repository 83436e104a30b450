"""Reserved ids never move; blocks do not overlap; a vocabulary comes back as it was written."""

from __future__ import annotations

import json

import pytest

from lmspt.errors import InputError
from lmspt.slm import vocab as v
from lmspt.slm.vocab import ANY_SPEAKER, ASR, END, TTS, build_vocabulary, load_vocabulary

META = {
    "tok_id": "toy-1",
    "frame_rate": 12.5,
    "streams": [{"name": "semantic", "size": 16}, {"name": "acoustic1", "size": 8}, {"name": "acoustic2", "size": 8}],
}


def toy(speakers=("bob", "ann"), turns=None):
    return build_vocabulary(10, list(speakers), META, 4.0, turns or {})


def test_reserved_ids_are_never_renumbered():
    version_1 = ("PAD", "END", "MASK", "ANY_SPEAKER", "TEXT", "SPEECH", "ASR", "TTS", "RESERVED")
    assert [getattr(v, name) for name in version_1] == [0, 1, 2, 3, 32, 33, 64, 65, 256]
    assert [v.VOICE, v.TEXT_ONLY, v.SPEECH_ONLY] == [34, 66, 67]  # version 2


def test_blocks_follow_each_other():
    vocab = toy()
    blocks = [vocab.text, vocab.speakers, *vocab.streams]
    assert [block.begin for block in blocks] == [256, 266, 268, 284, 292]
    assert vocab.size == 300
    assert vocab.speaker("ann") == 266 and vocab.speaker("bob") == 267 and vocab.speaker("eve") == ANY_SPEAKER


def test_legal_ids():
    vocab = toy()
    assert vocab.legal(ASR, 0).tolist() == [END, *range(256, 266)]
    assert vocab.legal(TTS, 0).tolist() == [END, *range(268, 284)]
    assert vocab.legal(v.TEXT_ONLY, 0).tolist() == vocab.legal(ASR, 0).tolist()
    assert vocab.legal(TTS, 2).tolist() == list(range(292, 300))


def test_round_trip_an_earlier_and_a_later_version(tmp_path):
    vocab = toy(turns={"asr": [[1, 2], [3]], "tts": [[4], []]})
    vocab.save(tmp_path / "vocab.json")
    assert load_vocabulary(tmp_path / "vocab.json") == vocab
    values = json.loads((tmp_path / "vocab.json").read_text())
    del values["turns"]
    (tmp_path / "vocab.json").write_text(json.dumps({**values, "version": 1}))
    assert load_vocabulary(tmp_path / "vocab.json") == toy()
    (tmp_path / "vocab.json").write_text(json.dumps({**values, "version": 99}))
    with pytest.raises(InputError, match="later version"):
        load_vocabulary(tmp_path / "vocab.json")
    with pytest.raises(InputError, match="run stage 7"):
        load_vocabulary(tmp_path / "none.json")
