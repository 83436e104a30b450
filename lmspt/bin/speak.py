"""Text to speech: a text in, a recording out."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("text", help="what to say, in the language and spelling of the training")
    p.add_argument("out", type=Path, help="the recording, .wav or .flac")
    p.add_argument("--model", type=Path, required=True, help="unpacked archive of stage 14")
    p.add_argument("--speaker", help="one of the training's (default: whoever the model pleases)")
    p.add_argument("--voice", type=Path, help="recording of the voice, for a model trained with voice_seconds")
    p.add_argument("--config", type=Path, help="YAML: how codes are drawn (default: as SamplingConfig says)")
    p.add_argument("--seed", type=int, default=0, help="another one, another rendition")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, speak, write."""
    args = parser().parse_args(argv)
    from lmspt.config import load_config
    from lmspt.data.audio import require_writable, write_wav
    from lmspt.device import inference_device
    from lmspt.inference import SpeechLM
    from lmspt.slm.config import SamplingConfig

    start_log()
    require_writable(args.out)
    device = inference_device(args.ngpu, args.num_threads)
    (sampling,) = load_config(args.config, [], SamplingConfig)
    model = SpeechLM.from_pretrained(args.model, device)
    wav = model.speak(args.text, args.speaker, args.seed, args.voice, sampling)
    write_wav(args.out, wav, model.sample_rate)
    print(f"{args.out}: {len(wav) / model.sample_rate:.2f} s")


if __name__ == "__main__":
    run_main(main)
