"""Stage 9: recognise a set from its semantic tokens; as a control, from another utterance's tokens or from shuffled ones."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--slm", type=Path, required=True, help="exp/slm_<tag>")
    p.add_argument("--tokens", type=Path, required=True, help="token store of the set")
    p.add_argument("--out", type=Path, required=True, help="gets text and stats.json")
    p.add_argument("--control", choices=("other", "shuffled"), help="other: each utterance gets the next one's tokens")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, recognise, write."""
    args = parser().parse_args(argv)
    import time

    from lmspt.data.scp import write_scp
    from lmspt.data.tokens import TokenStore
    from lmspt.device import inference_device
    from lmspt.files import write_json
    from lmspt.slm.checkpoint import load_slm
    from lmspt.slm.decode import hear, recognise
    from lmspt.slm.text import load_units

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    began = time.time()
    model = load_slm(args.slm).to(device)
    tokens = TokenStore(args.tokens, model.vocab.tok_id)
    results = recognise(model, hear(tokens, args.control))
    units = load_units(args.slm)
    write_scp(args.out / "text", {utt: units.decode(written) for utt, (written, _) in results.items()})
    stats = {
        "tok_id": model.vocab.tok_id,
        "control": args.control,
        "n_utts": len(results),
        "no_end": sum(not ended for _, ended in results.values()),
        "seconds": round(time.time() - began, 1),
        "audio_seconds": round(sum(tokens[utt].shape[1] for utt in tokens) / model.vocab.frame_rate, 1),
    }
    write_json(args.out / "stats.json", stats)
    print(f"{args.out}: {stats['n_utts']} utterances, {stats['no_end']} without an end")


if __name__ == "__main__":
    run_main(main)
