"""Stage 4: train a tokenizer. Rerunning the same command goes on from the last whole checkpoint; ``torchrun`` starts it
with many ranks."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.config import dump_config, load_config
from lmspt.errors import require_given, run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog="Further --key value pairs override the config.")
    p.add_argument("--config", type=Path, required=True, help="YAML of an LM-SPT, k-means or published tokenizer")
    p.add_argument("--train", type=Path, help="formatted data directory to train on")
    p.add_argument("--valid", type=Path, help="formatted data directory to validate on")
    p.add_argument("--feats", type=Path, help="dumped teacher features (k-means only)")
    p.add_argument("--out", type=Path, help="experiment folder, exp/tok_<tag>")
    p.add_argument("--ngpu", type=int, default=0)
    p.add_argument("--print_config", action="store_true", help="print the resolved config and stop")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, train, save."""
    args, overrides = parser().parse_known_args(argv)
    from lmspt.tokenizer.config import ADAPTERS, ALL_CONFIGS, CONFIGS, AdapterConfig, KMeansConfig, tokenizer_kind

    kind = tokenizer_kind(args.config)
    kmeans, published = kind == "kmeans", kind in ADAPTERS
    classes = (AdapterConfig,) if published else (KMeansConfig,) if kmeans else CONFIGS
    if classes == CONFIGS:
        overrides = [f"ngpu={args.ngpu}", *overrides]
    configs = load_config(args.config, overrides, *classes, siblings=ALL_CONFIGS)
    if args.print_config:
        print(dump_config(*configs), end="")
        return
    require_given(args, "out", *(() if published else ("feats",) if kmeans else ("train", "valid")))
    if published:
        from lmspt.tokenizer.adapter import save_adapter

        start_log()
        print(save_adapter(args.out, *configs))
        return
    from lmspt.tokenizer.checkpoint import save_tokenizer
    from lmspt.tokenizer.kmeans import train_kmeans
    from lmspt.tokenizer.training import train
    from lmspt.train.ranks import joined_ranks, rank

    start_log()
    with joined_ranks(args.ngpu):
        state = train_kmeans(configs[0], args.feats) if kmeans else train(configs, args.train, args.valid, args.out).state_dict()
        if rank() == 0:
            print(save_tokenizer(args.out, state, *configs))


if __name__ == "__main__":
    run_main(main)
