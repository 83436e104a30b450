"""From any audio to what the models read: one rate, one channel, segments cut, lengths known, odd ones out with a reason."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from lmspt.data.audio import read_audio, write_wav
from lmspt.data.datadir import DataDir, Segment, spk2utt_of
from lmspt.data.scp import write_scp
from lmspt.data.signal import SILENT, pieces_of
from lmspt.errors import InputError, some_of
from lmspt.files import remove_leftovers, write_text


def format_data(
    data: DataDir,
    out: Path,
    sample_rate: int,
    min_seconds: float = 0.0,
    max_seconds: float = np.inf,
    nj: int = 1,
) -> tuple[int, dict[str, str]]:
    """Write ``out/{wav.scp,text,utt2spk,spk2utt,utt2num_samples,dropped.tsv}``, ``joins`` if there are any, ``out/wav/``, and
    ``audio.sha256``, which stands for what is in it: other audio of the same names and lengths leaves all tables as they were.

    A recording that is there already is not made again, so a run that was broken off goes on.

    Args:
        data: from stage 1.
        out: ``dump/raw/<set>``.
        sample_rate: Hz, of what is written.
        min_seconds, max_seconds: utterances outside are dropped.
        nj: threads; each holds one recording in memory.

    Returns:
        The number of utterances kept, and the reason for each one dropped.

    Raises:
        InputError: recordings that cannot be used, or no utterance left. All others are written before it is raised.
    """
    remove_leftovers(out, out / "wav")
    pieces = pieces_of(data)
    results: dict[str, int | str] = {}
    with ThreadPoolExecutor(nj) as pool:
        done = pool.map(lambda item: _write(data.wav_scp[item[0]], item[1], out, sample_rate, data.channel), pieces.items())
        for written in tqdm(done, f"{out}: audio", len(pieces), disable=None, mininterval=2):
            results.update(written)
    problems = [text for text in results.values() if isinstance(text, str)]
    if problems:
        raise InputError(f"{data.folder}: {len(problems)} of {len(results)} recordings\n" + some_of(problems))
    num_samples = {utt: _length(data, utt, results, sample_rate) for utt in data.utts}
    dropped = {utt: why for utt in data.utts if (why := _odd(num_samples[utt] / sample_rate, min_seconds, max_seconds))}
    kept = [utt for utt in data.utts if utt not in dropped]
    if not kept:
        raise InputError(f"{data.folder}: no utterance is left; all are outside {min_seconds:g} to {max_seconds:g} s")
    _write_tables(data, out, kept, num_samples)
    paths = [out / "wav" / f"{name}.flac" for name in sorted(results)]
    with ThreadPoolExecutor(nj) as pool:
        digests = b"".join(pool.map(lambda path: sha256(path.read_bytes()).digest(), paths))
    write_text(out / "audio.sha256", sha256(digests).hexdigest() + "\n")
    lines = (f"{utt}\t{num_samples[utt] / sample_rate:.3f}\t{why}\n" for utt, why in dropped.items())
    write_text(out / "dropped.tsv", "utterance\tseconds\treason\n" + "".join(lines))
    return len(kept), dropped


def _write(
    source: str, pieces: dict[str, Segment | None], out: Path, sample_rate: int, channel: int | None
) -> dict[str, int | str]:
    """Write the pieces of one recording, which is read once; of each its length in samples, or what is wrong with it."""
    done: dict[str, int | str] = {}
    missing = {}
    for name, segment in pieces.items():
        path = out / "wav" / f"{name}.flac"
        if path.exists():
            done[name] = soundfile.info(path).frames
        else:
            missing[name] = segment
    if missing:
        try:
            wav, rate = read_audio(source, channel)
        except InputError as error:
            return {**done, **{name: f"{name}: {error}" for name in missing}}
        for name, segment in missing.items():
            done[name] = _write_piece(out / "wav" / f"{name}.flac", wav, rate, segment, source, sample_rate)
    return done


def _write_piece(path: Path, wav: np.ndarray, rate: int, segment: Segment | None, source: str, sample_rate: int) -> int | str:
    """As :func:`_write`, of one piece of a recording (T,) of ``rate`` Hz."""
    if segment:
        if segment.is_past(len(wav), rate):
            return f"{path.stem}: its segment ends at {segment.end} s, {source} has {len(wav) / rate:.2f} s; mend segments"
        wav = wav[round(segment.begin * rate) : round(segment.end * rate)]
    if np.abs(wav).max(initial=0.0) < SILENT:
        where = f" from {segment.begin} to {segment.end} s" if segment else ""
        return f"{path.stem}: {source} is silent{where}; remove it from {path.stem}'s data directory"
    if rate != sample_rate:
        wav = soxr.resample(wav, rate, sample_rate, quality="HQ")
    write_wav(path, wav, sample_rate)
    return len(wav)


def _length(data: DataDir, utt: str, lengths: dict[str, int], sample_rate: int) -> int:
    if utt in data.joins:
        join = data.joins[utt]
        return sum(lengths[name] for name in join.recordings) + sum(round(pause * sample_rate) for pause in join.pauses)
    return lengths[utt]


def _odd(seconds: float, min_seconds: float, max_seconds: float) -> str:
    """Why an utterance of this length is dropped, or nothing."""
    if seconds < min_seconds:
        return f"shorter than {min_seconds:g} s"
    return f"longer than {max_seconds:g} s" if seconds > max_seconds else ""


def _write_tables(data: DataDir, out: Path, kept: list[str], num_samples: dict[str, int]) -> None:
    joins = {utt: data.joins[utt] for utt in kept if utt in data.joins}
    if joins:
        write_scp(out / "joins", {utt: join.line() for utt, join in joins.items()})
    names = {name for utt in kept for name in (joins[utt].recordings if utt in joins else (utt,))}
    write_scp(out / "wav.scp", {name: out / "wav" / f"{name}.flac" for name in names})
    write_scp(out / "text", {utt: data.text[utt] for utt in kept})
    write_scp(out / "utt2spk", {utt: data.utt2spk[utt] for utt in kept})
    write_scp(out / "spk2utt", spk2utt_of({utt: data.utt2spk[utt] for utt in kept}))
    write_scp(out / "utt2num_samples", {utt: num_samples[utt] for utt in kept})
