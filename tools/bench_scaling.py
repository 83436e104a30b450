"""Do time and memory of the data, format, dump and score stages grow as they may with the corpus: time in step, memory not?

Each stage is run as its command, on a corpus of noise and on 4 and 16 times as much of it, two seconds an utterance. Time is that
beyond a start of the same command with ``--help``; memory is the greatest resident size of the process.

    python tools/bench_scaling.py [--utts 50] [--folder /tmp/x]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from lmspt.data.audio import write_wav
from lmspt.data.scp import write_scp
from lmspt.errors import run_main

RATE, SECONDS = 22050, 2.0  # stage 2 resamples
FACTORS = (1, 4, 16)
# the high-water mark of the program alone: that of getrusage begins with the size of who started it
WORK = """
import sys
from importlib import import_module
try:
    import_module("lmspt.bin." + sys.argv[1]).main(sys.argv[2:])
except SystemExit:  # --help
    pass
print(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
TINY = {"dim": 32, "encoder_layers": 1, "slow_layers": 1, "decoder_dim": 32, "decoder_layers": 1, "aux_dim": 32}


def make_corpus(folder: Path, n: int) -> None:
    """``n`` utterances of ten speakers."""
    rng = np.random.default_rng(0)
    utts = [f"s{i % 10}-{i:06d}" for i in range(n)]
    for utt in utts:
        write_wav(folder / "wav" / f"{utt}.wav", rng.uniform(-0.5, 0.5, int(RATE * SECONDS)).astype(np.float32), RATE)
    write_scp(folder / "wav.scp", {utt: folder / "wav" / f"{utt}.wav" for utt in utts})
    write_scp(folder / "text", {utt: " ".join(rng.choice(["one", "two", "three"], 5)) for utt in utts})
    write_scp(folder / "utt2spk", {utt: utt.split("-")[0] for utt in utts})


def make_tokenizer(folder: Path) -> None:
    """A tokenizer of random weights."""
    from lmspt.tokenizer.checkpoint import save_tokenizer
    from lmspt.tokenizer.config import CONFIGS, ModelConfig
    from lmspt.tokenizer.model import LMSPT

    config = ModelConfig(**TINY)
    others = [cls() for cls in CONFIGS if cls is not ModelConfig]
    save_tokenizer(folder, LMSPT(config).state_dict(), config, *others)


def measure(command: list[str]) -> tuple[float, float]:
    """Seconds and greatest resident size (MB) of a command of ``lmspt.bin``."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", WORK, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr}")
    return time.perf_counter() - began, int(done.stdout.split()[-2]) / 1024


def main() -> None:
    """Make the corpora, run, print the table."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--utts", type=int, default=50, help="of the smallest corpus")
    p.add_argument("--folder", type=Path, help="where to work (default: a temporary one)")
    args = p.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        make_tokenizer(folder / "tok_bench")
        rows: dict[str, list[tuple[float, float]]] = {}
        for factor in FACTORS:
            data, raw = folder / f"data{factor}", folder / f"raw{factor}"
            make_corpus(data, factor * args.utts)
            stages = {
                "data: tables and headers": ["validate_data", str(data)],
                "data: all audio": ["validate_data", str(data), "--read-audio"],
                "format": ["format_data", "--data", str(data), "--out", str(raw)],
                "dump": ["tok_dump", "--tokenizer", f"{folder}/tok_bench", "--data", str(raw), "--out", f"{folder}/tokens{factor}"],
                "score": ["asr_score", "--ref", str(raw), "--hyp", f"{raw}/text", "--out", f"{folder}/score{factor}"],
            }
            for stage, command in stages.items():
                started, _ = measure([command[0], "--help"])
                seconds, megabytes = measure(command)
                rows.setdefault(stage, []).append((max(seconds - started, 0.0), megabytes))
    n = [factor * args.utts for factor in FACTORS]
    print("| stage | " + " | ".join(f"{count} utterances" for count in n) + " | time of 16x / 4x | memory of 16x / 1x |")
    print("|---" * (len(n) + 3) + "|")
    for stage, cells in rows.items():
        shown = " | ".join(f"{seconds:.2f} s, {megabytes:.0f} MB" for seconds, megabytes in cells)
        print(f"| {stage} | {shown} | {cells[2][0] / max(cells[1][0], 1e-9):.1f} | {cells[2][1] / cells[0][1]:.2f} |")


if __name__ == "__main__":
    run_main(main)
