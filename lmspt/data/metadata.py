"""A corpus's table: one line an utterance, with columns for its audio and its text, and perhaps for speaker, set and times.

Columns are known by the names that tables give them (:data:`NAMES`). A table with ``|`` between its columns may do without a
header: ``id|text`` or, as in LJSpeech, ``id|text|text as it is read``. Commas and semicolons come with quotes as spreadsheets
write them; where tabs or ``|`` part the columns a quote is a letter like any other.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from lmspt.errors import InputError

TABLES = (".csv", ".tsv")
# by what it holds, names of a column, the best first
NAMES = {
    "audio": ("audio", "audio_path", "audio_file", "path", "file", "file_name", "filename", "wav", "wav_path", "clip"),
    "text": ("normalized_text", "text", "sentence", "transcript", "transcription"),
    "speaker": ("speaker", "speaker_id", "spk", "reader", "client_id"),
    "set": ("set", "split", "subset"),
    "id": ("id", "utt", "utt_id", "utterance", "utterance_id"),
    "begin": ("begin", "start", "start_time"),
    "end": ("end", "stop", "end_time"),
}
DELIMITERS = "|\t;,"  # the first of them in the first line parts the columns


@dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        place: file and line, for messages.
        values: by key of :data:`NAMES`, without spaces around; "" where the table has no such column.
    """

    place: str
    values: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        return self.values[name]


def read_rows(path: Path, columns: Mapping[str, str]) -> list[Row]:
    """The lines of a table.

    Args:
        path: the table.
        columns: names of its columns by key of :data:`NAMES`, where they are other ones than those; "" for a column that is
            not to be used.

    Raises:
        InputError: not UTF-8, not a table, no column for the text or none for audio or id, a line with other columns.
    """
    for name in columns:
        if name not in NAMES:
            raise InputError(f"--columns: '{name}' is none of {', '.join(NAMES)}")
    content = read_utf8(path)
    if "\0" in content:
        raise InputError(f"{path}: holds a zero byte; is it a table?")
    first = content.lstrip("\n").split("\n", 1)[0]
    delimiter = next((sign for sign in DELIMITERS if sign in first), "")
    if not delimiter:
        raise InputError(f"{path}: its first line has none of '|', tab, ';' and ','; is it a table of several columns?")
    if not (lines := list(_lines(path, content, delimiter))):
        raise InputError(f"{path}: has no words")
    if not (places := _places(path, lines[0][1], columns, delimiter)):
        width = len(lines[0][1])
        places = {"id": 0, "text": width - 1}
        spaced = [sum(" " in words[i].strip() for _, words in lines if i < len(words)) for i in range(1, width)]
        if not spaced[-1] and max(spaced) > len(lines) // 2:
            raise InputError(
                f"{path}: its last column, '{lines[0][1][-1]}' ..., is taken for the text, and has one word a line; "
                "name the columns in a first line, such as path, text, speaker"
            )
    else:
        width = len(lines.pop(0)[1])
    rows = []
    for number, words in lines:
        if len(words) != width:
            raise InputError(f"{path}:{number}: {len(words)} columns, not {width} as in line 1; is a '{delimiter}' in a text?")
        rows.append(Row(f"{path}:{number}", {name: words[places[name]].strip() if name in places else "" for name in NAMES}))
    if not rows:
        raise InputError(f"{path}: has no line below its header")
    return rows


def read_utf8(path: Path) -> str:
    """A text file; a byte order mark is no part of it.

    Raises:
        InputError: no such file, or not UTF-8.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such table")
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        known = " (it looks like UTF-16)" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ""
        raise InputError(f"{path}:{number}: not UTF-8{known}; convert the file: iconv -f ENCODING -t UTF-8") from None


def _lines(path: Path, content: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that is not blank."""
    if delimiter in "|\t":
        yield from ((i, line.split(delimiter)) for i, line in enumerate(content.split("\n"), 1) if line.strip())
        return
    reader = csv.reader(StringIO(content, newline=""), delimiter=delimiter, strict=True)
    try:
        yield from ((reader.line_num, words) for words in reader if any(words))
    except csv.Error as error:
        raise InputError(f"{path}:{reader.line_num}: {error}; a quote in a quoted text is written twice") from None


def _places(path: Path, header: list[str], columns: Mapping[str, str], delimiter: str) -> dict[str, int]:
    """The place of each column; nothing if the first line is no header and need not be one."""
    known = [word.strip().lower() for word in header]
    places = {name: known.index(word) for name, words in NAMES.items() for word in reversed(words) if word in known}
    for name, column in columns.items():
        if column and column.lower() not in known:
            near = difflib.get_close_matches(column.lower(), known, n=1)
            hint = f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(header)}"
            raise InputError(f"{path}:1: no column '{column}'; {hint}")
        places.pop(name, None)
        if column:
            places[name] = known.index(column.lower())
    if "text" in places and places.keys() & {"audio", "id"}:
        if repeated := {header[place] for place in places.values() if known.count(known[place]) > 1}:
            raise InputError(f"{path}:1: column '{min(repeated)}' is there twice; rename one of them")
        return places
    if delimiter == "|" and not places:
        return {}
    missing = "text" if "text" not in places else "audio"
    raise InputError(
        f"{path}:1: no column for the {missing}, which is called e.g. {', '.join(NAMES[missing][:4])}; write a header, or say "
        f"which it is: --columns '{missing}=NAME' of local/data.sh"
    )
