"""Audio at the door: read as it is, or refused with the file's name and the mend."""

from __future__ import annotations

import shlex
import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lmspt.data.audio import Utterances, read_audio, read_header, write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.format import format_data
from lmspt.data.variation import VariationConfig
from lmspt.errors import InputError
from tests.data.folders import noise, sound_dir, write_lines


def wav_file(path: Path, wav: np.ndarray | None = None, rate: int = 16000, **options: str) -> Path:
    soundfile.write(path, noise() if wav is None else wav, rate, **options)
    return path


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_what_is_written_is_read(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    write_wav(path, noise(), 8000)
    wav, rate = read_audio(path)
    assert (wav.dtype, wav.shape, rate) == (np.float32, (8000,), 8000)
    assert np.abs(wav - noise()).max() <= 0.5 / 32768
    assert abs((wav - noise()).mean()) < 0.01 / 32768  # rounded, not rounded down
    assert read_header(path) == (8000, 8000)


def test_loud_samples_are_clipped_not_wrapped(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", np.array([2.0, -2.0, 0.5], np.float32), 16000)
    assert read_audio(tmp_path / "x.wav")[0] == pytest.approx([1.0, -1.0, 0.5], abs=1e-4)


def test_samples_that_are_no_numbers_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="NaN"):
        write_wav(tmp_path / "x.wav", np.array([0.0, np.nan], np.float32), 16000)
    assert not list(tmp_path.iterdir())


def short(path: Path) -> None:
    content = wav_file(path).read_bytes()
    path.write_bytes(content[: len(content) * 2 // 3])


def header_alone(path: Path) -> None:
    path.write_bytes(wav_file(path).read_bytes()[:44])


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "empty": ("x.wav", Path.touch, "is an empty file; fetch it again"),
    "no samples": ("x.wav", lambda path: wav_file(path, noise(0.0)), "holds no samples; leave it out"),
    "text": ("x.wav", lambda path: path.write_text("not audio\n" * 50), "cannot be read as audio"),
    "folder": ("x.wav", Path.mkdir, "no such file"),
    "stereo": (
        "x.wav",
        lambda path: wav_file(path, noise().reshape(-1, 2)),
        "2 channels; write which one (0: their mean) to the data directory's",
    ),
    "cut wav": ("x.wav", short, "is cut short; fetch the file again"),
    "header alone": ("x.wav", header_alone, "is cut short; fetch the file again"),
    "raw": ("x.raw", lambda path: path.write_bytes(b"\0\1" * 500), "raw samples do not tell their rate"),
}


def test_one_of_two_channels(tmp_path: Path) -> None:
    left, right = noise(seed=1), noise(seed=2)
    path = wav_file(tmp_path / "x.wav", np.stack([left, right], axis=1), subtype="FLOAT")
    assert [np.abs(read_audio(path, channel)[0] - expected).max() for channel, expected in ((1, left), (2, right))] == [0, 0]
    assert read_audio(path, 0)[0] == pytest.approx((left + right) / 2)
    assert read_header(path, 2) == (8000, 16000)
    for channel in (3, -1):
        with pytest.raises(InputError, match=f"has no channel {channel}, there are 2; mend the data"):
            read_audio(path, channel)
    assert read_audio(wav_file(tmp_path / "mono.wav", left), 1)[0].shape == (8000,)


def encoded(path: Path, codec: str, wav: np.ndarray) -> Path:
    """``wav`` as FFmpeg's encoder of that name writes it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray((wav * 32767).astype(np.int16)[None], format="s16", layout="mono")
        frame.sample_rate = 16000
        for block in (*av.AudioResampler(format=stream.format, layout="mono", rate=16000).resample(frame), None):
            container.mux(stream.encode(block))
    return path


@pytest.mark.parametrize(("name", "codec"), [("x.g722", "g722"), ("x.m4a", "aac")])
def test_what_libsndfile_does_not_read(tmp_path: Path, name: str, codec: str) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    wav, rate = read_audio(encoded(tmp_path / name, codec, tone))
    assert rate == 16000
    assert len(wav) == pytest.approx(16000, abs=2048)
    assert np.abs(np.fft.rfft(wav[2048:10048])).argmax() == 220, "440 Hz in steps of 2 Hz"
    assert read_header(tmp_path / name) == (len(wav), 16000)


def test_a_damaged_file_is_not_made_noise_of(tmp_path: Path) -> None:
    for name in ("x.wav", "x.g7", "x.m4a"):
        (tmp_path / name).write_bytes(np.random.default_rng(0).bytes(5000))
        with pytest.raises(InputError, match="cannot be read as audio"):
            read_audio(tmp_path / name)


@pytest.mark.parametrize(("name", "make", "message"), BAD.values(), ids=BAD)
def test_bad_files(tmp_path: Path, name: str, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / name
    make(path)
    for read in (read_audio, read_header):
        with pytest.raises(InputError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}: {message}")


def test_cut_flac(tmp_path: Path) -> None:
    short(tmp_path / "x.flac")
    with pytest.raises(InputError, match="cannot be read as audio"):
        read_audio(tmp_path / "x.flac")
    with pytest.raises(InputError, match="is cut short"):
        read_header(tmp_path / "x.flac")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    wav = noise()
    wav[77] = value
    path = wav_file(tmp_path / "x.wav", wav, subtype="FLOAT")
    with pytest.raises(InputError, match="holds NaN or infinite samples"):
        read_audio(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, 120))
def test_any_bytes_are_audio_or_an_error(tmp_path: Path, content: bytes, at: int) -> None:
    path = tmp_path / "x.wav"
    good = wav_file(path, noise(0.01)).read_bytes()
    path.write_bytes(good[:at] + content + good[at + len(content) :])
    for read in (read_audio, read_header):
        try:
            read(path)
        except InputError as error:
            assert str(path) in str(error)


def pipe(*words: object) -> str:
    return f"{shlex.join(map(str, words))} |"


def test_pipes(tmp_path: Path) -> None:
    path = wav_file(tmp_path / "with space.wav")
    direct, rate = read_audio(path)
    for source in (pipe("cat", path), f"{pipe('cat', path)} cat |"):
        wav, piped_rate = read_audio(source)
        assert piped_rate == rate
        assert np.array_equal(wav, direct)


def test_a_bar_in_quotes_is_no_pipe(tmp_path: Path) -> None:
    wav_file(tmp_path / "a|b.wav")
    for name in ("'a|b.wav'", '"a|b.wav"', r"a\|b.wav"):
        assert len(read_audio(f"cat {tmp_path}/{name} | cat |")[0]) == 8000


@pytest.mark.parametrize("promised", [0x7FFFFFFF, 0xFFFFFFFF])
def test_pipes_that_did_not_know_their_length(tmp_path: Path, promised: int) -> None:
    content = bytearray(wav_file(tmp_path / "x.wav").read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", promised)
    (tmp_path / "x.wav").write_bytes(content)
    assert len(read_audio(pipe("cat", tmp_path / "x.wav"))[0]) == 8000


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no-such-program x.wav |", "program 'no-such-program' is not installed"),
        ("cat /no/such/file.wav |", "cat failed (cat: /no/such/file.wav"),
        ("cat /no/such/file.wav | cat |", "cat failed"),
        ("cat /no/such/file.wav | no-such-program |", "program 'no-such-program' is not installed"),
        ("true |", "wrote nothing; try the command by hand"),
        ("echo words |", "cannot be read as audio"),
        ("cat 'x.wav |", "No closing quotation; quote the command"),
        ("|", "program '' is not installed"),
    ],
)
def test_bad_pipes(source: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        read_audio(source)
    assert source in str(error.value)
    assert message in str(error.value)


def test_a_shell_never_sees_a_pipe(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_audio(f"cat /dev/null; touch {tmp_path / 'made'} |")
    assert not (tmp_path / "made").exists()


def formatted(tmp_path: Path) -> DataDir:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "joins", "b-1 a-1 0.25 a-2")
    format_data(DataDir(folder), tmp_path / "raw", 16000)
    return DataDir(tmp_path / "raw")


def test_utterances_joined_when_heard(tmp_path: Path) -> None:
    heard = Utterances(formatted(tmp_path), 16000)
    one, two = heard["a-1"], heard["a-2"]
    expected = np.concatenate([one, np.zeros(4000, np.float32), two])
    assert np.array_equal(heard["b-1"], expected)
    assert np.array_equal(heard["b-1"], expected)  # the second time from memory
    assert heard.num_samples("b-1") == len(expected)


def test_utterances_varied(tmp_path: Path) -> None:
    heard, config = Utterances(formatted(tmp_path), 16000), VariationConfig()
    first, again, other = (heard.varied("b-1", config, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert len(first) != len(other)
    still = VariationConfig(gain_db=[0.0, 0.0], speed=[1.0, 1.0], max_offset=0.0)
    assert np.array_equal(heard.varied("b-1", still, np.random.default_rng(1)), heard["b-1"])


def test_utterances_of_another_rate(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"16000 Hz, but 24000 Hz is wanted; run stage 2"):
        Utterances(formatted(tmp_path), 24000)["a-1"]


def test_utterances_before_stage_two(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    with pytest.raises(InputError, match=r"no utt2num_samples; run stage 2"):
        Utterances(DataDir(folder), 16000)


def test_memory_for_recordings_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lmspt.data.audio.CACHED_SAMPLES", 9000)
    data = formatted(tmp_path)
    heard = Utterances(data, 16000)
    one, two = heard["a-1"], heard["a-2"]
    for utt in ("a-1", "a-2"):
        Path(data.wav_scp[utt]).unlink()
    assert np.array_equal(heard["a-1"], one)
    with pytest.raises(InputError, match="no such file"):
        heard["a-2"]
    assert len(two) == 8000
