"""Stage 3: dump teacher features for the tokenizers that read them (resynthesis needs none: it listens as it trains)."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--config", type=Path, required=True, help="tokenizer config; says teacher, layer and how many utterances")
    p.add_argument("--data", type=Path, help="formatted data directory")
    p.add_argument("--out", type=Path, help="dump/feats/<teacher>_<layer>/<set>")
    p.add_argument("--where", action="store_true", help="print <teacher>_<layer>, or nothing when this tokenizer reads no features")
    p.add_argument("--num_threads", type=int, default=2)
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, listen, write."""
    args = parser().parse_args(argv)
    import yaml

    from lmspt.errors import InputError

    if not args.config.is_file():
        raise InputError(f"{args.config}: no such tokenizer config")
    values = yaml.safe_load(args.config.read_text(encoding="utf-8")) or {}
    needed = values.get("tokenizer") == "kmeans"
    if args.where:
        if needed:
            print(f"{Path(values.get('teacher', 'whisper-tiny.en')).name}_{values.get('teacher_layer', 4)}")
        return
    if not needed:
        print(f"{args.config}: needs no dumped features")
        return
    import torch

    from lmspt.config import load_config
    from lmspt.data.datadir import DataDir
    from lmspt.tokenizer.kmeans import KMeansConfig, dump_teacher_features

    start_log()
    torch.set_num_threads(args.num_threads)
    (config,) = load_config(args.config, [], KMeansConfig)
    n = dump_teacher_features(config, DataDir(args.data), args.out)
    print(f"{args.out}: features of {n} utterances")


if __name__ == "__main__":
    run_main(main)
