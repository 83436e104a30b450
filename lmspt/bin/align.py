"""Phones of a data directory of English utterances, for the probes of stage 6: data/<set>/ctm. For use in local/data.sh."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import InputError, run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("data", type=Path, help="data/<set>")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, align, write, say what could not be aligned."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.files import write_text
    from lmspt.score.align import Aligner, align

    start_log()
    data = DataDir(args.data)
    found = align(data, Aligner())
    if not found.phones:
        raise InputError(f"{args.data}: no utterance could be aligned; are its texts English words?")
    write_text(args.data / "ctm", found.ctm())
    n_phones = sum(map(len, found.phones.values()))
    print(f"{args.data}/ctm: {n_phones} phones of {len(found.phones)} of {len(data.utts)} utterances")
    if found.unknown:
        words = sorted({word for words in found.unknown.values() for word in words})
        print(f"{args.data}: {len(found.unknown)} have words that the dictionary lacks ({' '.join(words)})")
    if found.failed:
        print(f"{args.data}: {len(found.failed)} could not be aligned ({' '.join(found.failed)})")


if __name__ == "__main__":
    run_main(main)
