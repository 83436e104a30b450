"""Stage 13: all systems in tables, figures and players: RESULTS.md, report.html, benchmark.json and its counts.tsv."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--systems", type=Path, nargs="+", required=True, help="exp/slm_<tag> of each, or exp/tok_<tag>")
    p.add_argument("--sets", required=True, help="test sets, e.g. 'test_a test_b'")
    p.add_argument("--valid", required=True, help="validation set: codebook use is taken from it")
    p.add_argument("--groundtruth", type=Path, help="exp/groundtruth; without it no judge was asked, and speech is not compared")
    p.add_argument("--raw", type=Path, required=True, help="formatted sets, dump/raw")
    p.add_argument("--tokens", type=Path, required=True, help="token stores, dump/tokens")
    p.add_argument("--done", type=Path, nargs="+", required=True, help="markers of stages: data/.done dump/.done exp/.done")
    p.add_argument("--second_judge", action="store_true", help="a second judge has read what was spoken")
    p.add_argument("--out", type=Path, required=True, help="results folder of the recipe")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, collect, write."""
    args = parser().parse_args(argv)
    from lmspt.files import write_json, write_text
    from lmspt.report.benchmark import benchmark, counts_table
    from lmspt.report.counts import write_counts
    from lmspt.report.environment import environment, recipe_of
    from lmspt.report.markdown import results_md
    from lmspt.report.page import page
    from lmspt.report.results import read_experiment

    start_log()
    sets = args.sets.split()
    experiment = read_experiment(args.systems, sets, args.valid, args.groundtruth, args.done, args.second_judge)
    where, name = environment(), recipe_of(args.out)
    html = page(name, experiment, where, args.raw, args.tokens)
    write_text(args.out / "RESULTS.md", results_md(name, experiment, where))
    write_text(args.out / "report.html", html)
    write_json(args.out / "benchmark.json", benchmark(experiment))
    write_counts(args.out / "counts.tsv", counts_table(experiment))
    print(f"{args.out}: {len(args.systems)} systems on {args.sets}; the page has {len(html) / 1e6:.1f} MB")


if __name__ == "__main__":
    run_main(main)
