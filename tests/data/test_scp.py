"""Tables: what is written is read; any bytes are a table or an error that names file and line; order is that of sort."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmspt.data.scp import Problem, in_byte_order, is_key, read_scp, scp_text, write_scp
from lmspt.errors import InputError

KEYS = st.text(min_size=1, max_size=12).filter(is_key).filter(lambda key: not key.startswith("\ufeff"))
VALUES = st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=20).map(str.strip)
one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@one_folder
@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_round_trip(tmp_path: Path, table: dict[str, str]) -> None:
    write_scp(tmp_path / "text", table)
    assert read_scp(tmp_path / "text", may_be_empty=True) == table
    assert list(read_scp(tmp_path / "text", may_be_empty=True)) == in_byte_order(table)


@one_folder
@given(st.binary(max_size=60) | st.text(alphabet="ab/. \t\r\n\x00é\ufeff", max_size=30).map(str.encode))
def test_any_bytes_are_a_table_or_an_error_with_its_place(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text"
    path.write_bytes(content)
    problems: list[Problem] = []
    table = read_scp(path, found=problems.append)
    assert all(is_key(key) for key in table)
    assert all(problem.message.startswith(f"{path}:") for problem in problems)
    if problems:
        with pytest.raises(InputError) as first:
            read_scp(path)
        assert str(first.value) == problems[0].message
    else:
        assert read_scp(path) == table


@given(st.sets(KEYS, max_size=8))
def test_order_is_that_of_sort(keys: set[str]) -> None:
    lines = scp_text(dict.fromkeys(keys, 1))
    done = subprocess.run(["sort"], input=lines.encode(), capture_output=True, check=True, env={**os.environ, "LC_ALL": "C"})
    assert done.stdout.decode() == lines


@pytest.mark.parametrize(
    ("content", "message", "spoilt"),
    [
        (b"a 1\na 2\n", ":2: 'a' is there twice; keep one", "a"),
        (b"a 1\na  1 \n", ":2: 'a' is there twice; keep one", ""),
        (b"a 1\n\nb 2\n", ":2: blank line; remove it", ""),
        (b"a 1\nb\n", ":2: 'b' stands alone; write its value", "b"),
        (b"a/b 1\n", ":1: 'a/b' cannot be a key", "a/b"),
        (b"..a 1\n", ":1: '..a' cannot be a key", "..a"),
        (b"take#2 1\n", "no '#2' at its end", "take#2"),
        ("é".encode() * 101 + b" 1\n", "cannot be a key: at most 200 bytes", "é" * 101),
        ("a 1\nb é\n".encode("latin-1"), ":2: not UTF-8; convert the file with iconv", ""),
        (b"\xef\xbb\xbfa 1\n", ":1: a byte order mark; remove it", ""),
    ],
)
def test_problems(tmp_path: Path, content: bytes, message: str, spoilt: str) -> None:
    (tmp_path / "text").write_bytes(content)
    problems: list[Problem] = []
    read_scp(tmp_path / "text", found=problems.append)
    (problem,) = problems
    assert f"{tmp_path / 'text'}{message}" in problem.message or message in problem.message
    assert problem.key == spoilt


def test_keys_name_files(tmp_path: Path) -> None:
    key = "é" * 100
    assert is_key(key)
    (tmp_path / f"{key}.flac").touch()


def test_missing_table(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"utt2spk: no such file"):
        read_scp(tmp_path / "utt2spk")


def test_lines_of_other_systems(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"a\tone  two \r\nb three")
    assert read_scp(tmp_path / "text") == {"a": "one  two", "b": "three"}
