"""Tables of corpora: delimiters, headers, quotes; and any bytes are rows or an error that names the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmspt.data.metadata import NAMES, read_rows
from lmspt.errors import InputError

one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def rows(path: Path, content: str, columns: dict[str, str] | None = None) -> list[dict[str, str]]:
    path.write_text(content, encoding="utf-8")
    return [{name: value for name, value in row.values.items() if value} for row in read_rows(path, columns or {})]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("path,text\na.wav,one\n", {"audio": "a.wav", "text": "one"}),
        ("Path;Sentence;Speaker\na.wav;one;ann\n", {"audio": "a.wav", "text": "one", "speaker": "ann"}),
        ("client_id\tpath\tsentence\nann\ta.mp3\tone\n", {"audio": "a.mp3", "text": "one", "speaker": "ann"}),
        ('file,text\na.wav,"one, ""two"""\n', {"audio": "a.wav", "text": 'one, "two"'}),
        ('file,text\na.wav,"one\ntwo"\n', {"audio": "a.wav", "text": "one\ntwo"}),
        ('id\ttext\na\t"one" he said\n', {"id": "a", "text": '"one" he said'}),
        ('a|"No. 1, ok|number one, ok\n', {"id": "a", "text": "number one, ok"}),
        ("a|Yes; no, well\n", {"id": "a", "text": "Yes; no, well"}),
        ("\ufeffid|text\r\n a | one \r\n\r\n", {"id": "a", "text": "one"}),
        ("id|text|normalized_text\na|1|one\n", {"id": "a", "text": "one"}),
        (
            "file,start,end,text,split\na.wav,0,1.5,x,dev\n",
            {"audio": "a.wav", "begin": "0", "end": "1.5", "text": "x", "set": "dev"},
        ),
    ],
)
def test_tables(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    assert rows(tmp_path / "t.csv", text) == [expected]


def test_columns_of_other_names(tmp_path: Path) -> None:
    text = "clip name,said,path,split\na.wav,one,ignored,test-other\n"
    found = rows(tmp_path / "t.csv", text, {"audio": "Clip Name", "text": "said", "set": ""})
    assert found == [{"audio": "a.wav", "text": "one"}]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        ("a.wav one\n", {}, "t.csv: its first line has none of"),
        ("a.wav,one\n", {}, "t.csv:1: no column for the text, which is called e.g. normalized_text, text, sentence"),
        ("who,text\nann,one\n", {}, "t.csv:1: no column for the audio, .* --columns 'audio=NAME'"),
        ("path,text\na.wav,one, two\n", {}, "t.csv:2: 3 columns, not 2 as in line 1; is a ',' in a text"),
        ('path,text\na.wav,"one" two\n', {}, "t.csv:2: .*a quote in a quoted text is written twice"),
        ("path,text\n", {}, "t.csv: has no line below its header"),
        ("path,text,text\na,b,c\n", {}, "t.csv:1: column 'text' is there twice"),
        ("path,text\na,b\n", {"audio": "pth"}, "t.csv:1: no column 'pth'; did you mean 'path'"),
        ("path,text\na,b\n", {"sound": "path"}, "--columns: 'sound' is none of audio, text"),
        ("path,text\na\0,b\n", {}, "t.csv: holds a zero byte"),
    ],
)
def test_what_is_no_table(tmp_path: Path, text: str, columns: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        rows(tmp_path / "t.csv", text, columns)


@pytest.mark.parametrize(("encoding", "message"), [("latin-1", r"t.csv:2: not UTF-8; convert"), ("utf-16", "looks like UTF-16")])
def test_other_encodings(tmp_path: Path, encoding: str, message: str) -> None:
    (tmp_path / "t.csv").write_bytes("path,text\na.wav,où\n".encode(encoding))
    with pytest.raises(InputError, match=message):
        read_rows(tmp_path / "t.csv", {})


@one_folder
@given(st.binary(max_size=80) | st.text('path,text|\t;"\r\n ab\ufeff', max_size=60).map(str.encode))
def test_any_bytes_are_rows_or_an_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    try:
        found = read_rows(path, {})
    except InputError as error:
        assert str(error).startswith(str(path))
    else:
        assert found
        assert all(row.values.keys() == NAMES.keys() for row in found)


def test_a_last_column_of_names_is_no_text(tmp_path: Path) -> None:
    """A table without a header has its text last, as LJSpeech has."""
    with pytest.raises(InputError, match=r"its last column, 'ann' \.\.\., is taken for the text"):
        rows(tmp_path / "x.csv", "a.wav|one two|ann\nb.wav|three four|bob\n")
    assert rows(tmp_path / "x.csv", "a b.wav|yes\nc d.wav|no\n")[1] == {"id": "c d.wav", "text": "no"}
