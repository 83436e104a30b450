"""split_scp, filter_scp and the two speaker maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.utils.shell import Run


@pytest.mark.parametrize(("lines", "pieces", "lengths"), [(10, 3, [4, 3, 3]), (3, 3, [1, 1, 1]), (5, 1, [5])])
def test_split_keeps_every_line_in_order(run: Run, tmp_path: Path, lines: int, pieces: int, lengths: list[int]) -> None:
    source = "".join(f"u{number} x y\n" for number in range(lines))
    (tmp_path / "all").write_text(source)
    names = [f"piece.{number}" for number in range(pieces)]
    assert run("split_scp.py", "all", *names).returncode == 0
    texts = [(tmp_path / name).read_text() for name in names]
    assert "".join(texts) == source
    assert [text.count("\n") for text in texts] == lengths


def test_split_refuses_more_pieces_than_lines(run: Run, tmp_path: Path) -> None:
    (tmp_path / "all").write_text("a 1\n")
    done = run("split_scp.py", "all", "p1", "p2")
    assert done.returncode == 1
    assert done.stderr == "split_scp.py: all has 1 lines, too few for 2 pieces: lower --nj\n"


def test_filter(run: Run, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("b\nc some fields\n")
    table = "a 1\nb  2\nc 3\nbb 4\n"
    assert run("filter_scp.py", "keys", stdin=table).stdout == "b  2\nc 3\n"
    assert run("filter_scp.py", "--exclude", "keys", stdin=table).stdout == "a 1\nbb 4\n"
    assert run("filter_scp.py", "keys", stdin="b one\u2028line\n").stdout == "b one\u2028line\n"


def test_speaker_maps_are_inverse_and_in_byte_order(run: Run) -> None:
    utt2spk = "a-2 a\nZ-1 Z\na-10 a\né-1 é\n"
    spk2utt = run("utt2spk_to_spk2utt.py", stdin=utt2spk).stdout
    assert spk2utt == "Z Z-1\na a-10 a-2\né é-1\n"
    assert run("spk2utt_to_utt2spk.py", stdin=spk2utt).stdout == "Z-1 Z\na-10 a\na-2 a\né-1 é\n"


@pytest.mark.parametrize(
    ("tool", "stdin", "message"),
    [
        ("utt2spk_to_spk2utt.py", "u a\nu b\n", "-:2 has u for the second time: keep one of the lines"),
        ("utt2spk_to_spk2utt.py", "u a b\n", "-: u has 2 speakers, one is needed"),
        ("utt2spk_to_spk2utt.py", "u a\n\n", "-:2 is empty: remove the line"),
        ("spk2utt_to_utt2spk.py", "a u\nb u\n", "-: u is of a and of b: keep one"),
    ],
)
def test_bad_speaker_maps(run: Run, tool: str, stdin: str, message: str) -> None:
    done = run(tool, stdin=stdin)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"{tool}: {message}\n")


def test_not_utf8(run: Run, tmp_path: Path) -> None:
    (tmp_path / "utt2spk").write_bytes(b"u \xe9\n")
    assert "utt2spk is not UTF-8 (byte 2)" in run("utt2spk_to_spk2utt.py", "utt2spk").stderr
