"""Stage 11: speak the texts of a set in the voices of its speakers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import require_given, run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog="Further --key value pairs override the config.")
    p.add_argument("--config", type=Path, help="YAML: how codes are drawn (default: as SamplingConfig says)")
    p.add_argument("--slm", type=Path, help="exp/slm_<tag>")
    p.add_argument("--tokenizer", type=Path, help="exp/tok_<tag>")
    p.add_argument("--data", type=Path, help="formatted set: its texts and speakers")
    p.add_argument("--tokens", type=Path, help="token store of the set, for a model that hears a voice (voice_seconds)")
    p.add_argument("--out", type=Path, help="gets wav.scp, wav/, stats.jsonl")
    p.add_argument("--max_utts", type=int, help="speak at most so many, the same for every system")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    p.add_argument("--print_config", action="store_true", help="print the resolved config and stop")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, speak, write."""
    args, overrides = parser().parse_known_args(argv)
    from lmspt.config import dump_config, load_config, save_config
    from lmspt.slm.config import SamplingConfig

    (sampling,) = load_config(args.config, overrides, SamplingConfig)
    if args.print_config:
        print(dump_config(sampling), end="")
        return
    require_given(args, "slm", "tokenizer", "data", "out")
    from lmspt.data.datadir import DataDir
    from lmspt.data.subset import choose_utts
    from lmspt.data.tokens import TokenStore
    from lmspt.device import inference_device
    from lmspt.errors import InputError
    from lmspt.files import write_text
    from lmspt.slm.checkpoint import load_slm
    from lmspt.slm.decode import synthesise, write_speech
    from lmspt.slm.text import load_units
    from lmspt.tokenizer.checkpoint import load_tokenizer

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    model = load_slm(args.slm).to(device)
    tokenizer, data = load_tokenizer(args.tokenizer, device), DataDir(args.data)
    if tokenizer.tok_id != model.vocab.tok_id:
        raise InputError(f"{args.slm} speaks in codes of {model.vocab.tok_id}, but {args.tokenizer} is {tokenizer.tok_id}")
    tokens = TokenStore(args.tokens, model.vocab.tok_id) if args.tokens else None
    spoken = synthesise(model, load_units(args.slm), data, choose_utts(data.utts, args.max_utts), sampling, tokens)
    save_config(args.out / "config.yaml", sampling)
    lines = write_speech(tokenizer, spoken, args.out)
    write_text(args.out / "stats.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    print(f"{args.out}: {len(lines)} utterances, {sum(not line['ended'] for line in lines)} without an end")


if __name__ == "__main__":
    run_main(main)
