from __future__ import annotations

import json
from pathlib import Path

from lmspt.bin.codec_score import main
from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.format import format_data
from tests.data.folders import noise, sound_dir, write_tables
from tests.test_start import heavy_imports


def test_help_is_light() -> None:
    assert heavy_imports(["codec_score", "--help"]) == []


def test_resynthesised_part_of_a_set(tmp_path: Path) -> None:
    raw = tmp_path / "dev"
    format_data(DataDir(sound_dir(tmp_path / "data", seconds=1.0)), raw, 16000)
    write_wav(tmp_path / "all" / "a-2.wav", 0.5 * noise(1.0, seed=1), 16000)
    write_tables(tmp_path / "all", {"wav.scp": {"a-2": tmp_path / "all" / "a-2.wav"}})
    main(["--ref", str(raw), "--wav", str(tmp_path / "all"), "--out", str(tmp_path / "codec.json")])
    result = json.loads((tmp_path / "codec.json").read_text())
    assert (result["set"], result["n_utts"], list(result["contract"]["versions"])) == ("dev", 1, ["pystoi", "pesq", "soxr"])
    assert round(result["mel_distance"]["mean"], 1) == 6.0  # half the amplitude
    assert result["stoi"]["mean"] > 0.99
