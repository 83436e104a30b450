"""Put published results together: one table of systems that were scored alike at several places, seeds pooled, pairs compared."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("parts", type=Path, nargs="+", help="folders of results, each with benchmark.json and counts.tsv")
    p.add_argument(
        "--out", type=Path, required=True, help="another folder: gets RESULTS.md and its pictures, benchmark.json, counts.tsv"
    )
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, put together, write."""
    p = parser()
    args = p.parse_args(argv)
    if args.out.resolve() in {part.resolve() for part in args.parts}:
        p.error(f"--out {args.out} is one of the parts")
    from lmspt.files import write_json, write_text
    from lmspt.report.arms import pictures_of
    from lmspt.report.counts import write_counts
    from lmspt.report.environment import recipe_of
    from lmspt.report.foretold import foretold
    from lmspt.report.merge import merge
    from lmspt.report.merged import merged_md

    start_log()
    benchmark, results = merge(args.parts)
    name = recipe_of(args.out)
    pictures = pictures_of(benchmark) | foretold(benchmark)
    for file, svg in pictures.items():
        write_text(args.out / file, svg)
    write_text(args.out / "RESULTS.md", merged_md(name, benchmark, pictures))
    write_json(args.out / "benchmark.json", benchmark)
    write_counts(args.out / "counts.tsv", results)
    print(f"{args.out}: {len(benchmark['groups'])} systems, {len(benchmark['systems'])} seeds in all, of {len(args.parts)} parts")


if __name__ == "__main__":
    run_main(main)
