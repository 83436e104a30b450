"""The token store: exactly once, whole or absent, never two tokenizers in one."""

from __future__ import annotations

import numpy as np
import pytest

from lmspt.data.tokens import TokenStore, TokenWriter, base_key, join_shares, share_of
from lmspt.errors import InputError

META = {"tok_id": "a-1", "frame_rate": 12.5, "sample_rate": 16000, "streams": [
    {"name": "semantic", "size": 8, "semantic": True}, {"name": "acoustic1", "size": 8, "semantic": False}]}  # fmt: skip


def codes(i):
    return np.random.default_rng(i).integers(0, 8, (2, i + 1))


def write(folder, keys, stop_at=None, shard_size=3):
    with TokenWriter(folder, META, shard_size) as writer:
        for i in keys:
            if i == stop_at:
                raise KeyboardInterrupt
            if f"u{i}" not in writer.done:
                writer.add(f"u{i}", codes(i))


def test_round_trip(tmp_path):
    write(tmp_path, range(10))
    store = TokenStore(tmp_path, "a-1")
    store.verify()
    assert len(store) == 10 and all(np.array_equal(store[f"u{i}"], codes(i)) for i in range(10))


def test_broken_off_dump_is_refused_and_continues(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, range(10), stop_at=8)
    with pytest.raises(InputError, match="was not finished"):
        TokenStore(tmp_path)
    write(tmp_path, range(10))
    store = TokenStore(tmp_path)
    assert sorted(store.keys()) == sorted(f"u{i}" for i in range(10))
    assert all(np.array_equal(store[f"u{i}"], codes(i)) for i in range(10))


def test_twice_is_an_error(tmp_path):
    write(tmp_path, range(2))
    with pytest.raises(InputError, match="already dumped"), TokenWriter(tmp_path, META) as writer:
        writer.add("u1", codes(1))


def test_other_tokenizers_are_refused(tmp_path):
    write(tmp_path, range(2))
    with pytest.raises(InputError, match="a-1"):
        TokenStore(tmp_path, "b-2")
    with pytest.raises(InputError, match="a-1"):
        TokenWriter(tmp_path, {**META, "tok_id": "b-2"})


def test_shares_are_joined(tmp_path):
    for share in (1, 2, 3):
        write(share_of(tmp_path, share, 3), range(share - 1, 8, 3), shard_size=2)
    assert join_shares(tmp_path, 3) == join_shares(tmp_path, 3) == 8
    store = TokenStore(tmp_path, "a-1")
    store.verify()
    assert len(store) == 8 and all(np.array_equal(store[f"u{i}"], codes(i)) for i in range(8))


def test_shares_that_are_not_whole_or_overlap_are_not_joined(tmp_path):
    write(share_of(tmp_path, 1, 2), range(4))
    with pytest.raises(InputError, match="2_of_2: no token store"):
        join_shares(tmp_path, 2)
    with pytest.raises(KeyboardInterrupt):
        write(share_of(tmp_path, 2, 2), range(4, 9), stop_at=8)
    with pytest.raises(InputError, match="2_of_2: the token dump was not finished"):
        join_shares(tmp_path, 2)
    write(share_of(tmp_path, 2, 2), range(3, 9))
    with pytest.raises(InputError, match="do not fit each other"):
        join_shares(tmp_path, 2)
    assert not (tmp_path / "manifest.json").exists()


def test_damage_is_found(tmp_path):
    write(tmp_path, range(4))
    shard = tmp_path / "shard-00000.arrow"
    data = bytearray(shard.read_bytes())
    data[data.index(codes(2).astype("<i4").tobytes())] ^= 1
    shard.write_bytes(bytes(data))
    with pytest.raises(InputError, match="checksum"):
        TokenStore(tmp_path).verify()
    shard.write_bytes(bytes(data[:100]))
    with pytest.raises(InputError, match="not a whole Arrow file"):
        TokenStore(tmp_path)


def test_missing_utterance_and_store_say_what_to_run(tmp_path):
    write(tmp_path / "x", range(2))
    with pytest.raises(InputError, match="no tokens for utterance 'nobody'"):
        TokenStore(tmp_path / "x")["nobody"]
    with pytest.raises(InputError, match="stage 5"):
        TokenStore(tmp_path / "y")


def test_base_key():
    assert base_key("a#3") == "a" and base_key("a") == "a" and base_key("a#b#0") == "a#b" and base_key("a#b") == "a#b"


def test_what_is_encoded_before_an_error_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, range(10), stop_at=2)
    assert TokenWriter(tmp_path, META).done == {"u0", "u1"}


def test_a_damaged_share_is_not_joined(tmp_path):
    for share in (1, 2):
        write(share_of(tmp_path, share, 2), range(share - 1, 8, 2))
    shard = share_of(tmp_path, 2, 2) / "shard-00000.arrow"
    content = bytearray(shard.read_bytes())
    content[content.find(codes(1).astype(np.int32).tobytes())] ^= 1
    shard.write_bytes(content)
    with pytest.raises(InputError, match="does not match its checksum"):
        join_shares(tmp_path, 2)
