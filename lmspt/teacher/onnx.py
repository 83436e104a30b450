"""Read the weights of an ONNX file.

File format (protocol buffers, as onnx.proto has the fields): a message is a list of (tag, value), the tag a varint of field
number and wire type. The graph is field 7 of a model; its initializers are field 5: dims 1, data_type 2, name 8, raw_data 9.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from lmspt.errors import InputError

GRAPH, INITIALIZER = 7, 5
DIMS, DATA_TYPE, NAME, RAW_DATA = 1, 2, 8, 9
FLOAT32 = 1


def read_initializers(path: Path) -> dict[str, np.ndarray]:
    """All float32 weights of an ONNX file by name, in the file's order.

    Raises:
        InputError: cut off, not an ONNX file, or a weight that is not float32.
    """
    try:
        (graph,) = (value for field, value in _fields(memoryview(path.read_bytes())) if field == GRAPH)
        return dict(_tensor(value) for field, value in _fields(graph) if field == INITIALIZER)
    except (ValueError, IndexError) as error:
        raise InputError(f"{path}: not a whole ONNX file of float32 weights ({error}); fetch it again") from None


def _tensor(message: memoryview) -> tuple[str, np.ndarray]:
    shape, name, kind, raw = [], "", None, b""
    for field, value in _fields(message):
        if field == DIMS:
            shape.append(value)
        elif field == DATA_TYPE:
            kind = value
        elif field == NAME:
            name = bytes(value).decode("utf-8")
        elif field == RAW_DATA:
            raw = value
    if kind != FLOAT32:
        raise ValueError(f"'{name}' is of type {kind}")
    return name, np.frombuffer(raw, "<f4").reshape(shape)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Field numbers and values: an int of a varint, a view of everything else."""
    position = 0

    def varint() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        field, wire = divmod(varint(), 8)
        if wire == 0:
            yield field, varint()
            continue
        size = varint() if wire == 2 else {1: 8, 5: 4}.get(wire, len(message))
        if position + size > len(message):
            raise ValueError(f"cut off or damaged at byte {position}")
        yield field, message[position : position + size]
        position += size
