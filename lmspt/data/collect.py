"""Files that a user names, one by one or by their folders, and work on each that one bad file does not stop."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from lmspt.errors import InputError, some_of


def collect(inputs: Sequence[Path], suffixes: Collection[str]) -> dict[str, Path]:
    """Files by name: a file's own without its suffix, and of a file in a folder its path there.

    Args:
        inputs: files, taken whatever they are called, and folders, looked through to the bottom.
        suffixes: of the files that are taken from folders.

    Raises:
        InputError: no such file, nothing of use in a folder, or two files of one name.
    """
    found: dict[str, Path] = {}
    for source in inputs:
        for name, path in _named(source, suffixes):
            if name in found:
                raise InputError(f"{path}: has the name of {found[name]}, folder and suffix apart; rename one, or do them apart")
            found[name] = path
    return found


def for_each(files: dict[str, Path], what: str, do: Callable[[str, Path], None]) -> list[str]:
    """Call ``do`` with the name and path of each file, under a progress bar called ``what``.

    Returns:
        What is wrong with the files that could not be used, for :func:`stop_if_any`, once the rest is safe.
    """
    problems = []
    for name, path in tqdm(files.items(), what, disable=None, mininterval=1):
        try:
            do(name, path)
        except InputError as error:
            problems.append(str(error))
    return problems


def stop_if_any(problems: list[str]) -> None:
    """Let a command end with what was left out.

    Raises:
        InputError: there is something.
    """
    if problems:
        raise InputError(f"{len(problems)} files were left out:\n{some_of(problems)}")


def _named(source: Path, suffixes: Collection[str]) -> Iterator[tuple[str, Path]]:
    if source.is_file():
        yield source.stem, source
    elif source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
        if not paths:
            raise InputError(f"{source}: no {', '.join(suffixes)} in this folder")
        yield from ((str(path.relative_to(source).with_suffix("")), path) for path in paths)
    else:
        raise InputError(f"{source}: no such file or folder")
