"""One archive of a system: weights, configurations, vocabulary, scores, licence notes. The same content is the same bytes."""

from __future__ import annotations

import gzip
import json
import tarfile
from io import BytesIO
from pathlib import Path

from lmspt.config import load_config
from lmspt.data.weights import SOURCES
from lmspt.errors import InputError
from lmspt.files import atomic
from lmspt.tokenizer.config import ADAPTERS, AdapterConfig, KMeansConfig, tokenizer_kind

NOTICE = Path(__file__).resolve().parents[1] / "NOTICE"
SLM_FILES = ("config.yaml", "backbone.json", "vocab.json", "model.safetensors")
WEIGHTS = (".json", ".safetensors", ".tflite", ".pt")
RESULTS = ("RESULTS.md", "benchmark.json")
README = """\
# {name}

A speech tokenizer (`tokenizer/`, {tok_id}) and the speech language model on its tokens (`slm/`), made by lmspt.
`RESULTS.md` says how well it does and how it was made, `NOTICE` whose work it builds on and under which licences.

With lmspt on the path, on recordings of any rate:

```python
from lmspt import SpeechLM, Tokenizer

tokenizer = Tokenizer.from_pretrained("{name}")
model = SpeechLM.from_pretrained("{name}")
codes = tokenizer.encode("in.wav")  # (streams, frames)
text = model.transcribe("in.wav")
wav = model.speak("three one four", speaker=model.speakers[0])  # samples at model.sample_rate
```

or as commands, on files and folders; `--help` says more:

```sh
python -m lmspt.bin.transcribe --model {name} in.wav
python -m lmspt.bin.speak --model {name} "three one four" out.wav
python -m lmspt.bin.tokenize --model {name} in.wav recordings/ --out codes
python -m lmspt.bin.detokenize --model {name} codes --out wavs
```

The commands of the recipe's stages (`tok_dump`, `asr_decode`, `tts_decode`) take `--tokenizer {name}/tokenizer` and
`--slm {name}/slm`.
"""


def pack(slm: Path, tokenizer: Path, results: Path, archive: Path) -> list[str]:
    """Write ``archive`` (``<name>.tar.gz``) and return the names in it.

    Args:
        slm: ``exp/slm_<tag>``.
        tokenizer: ``exp/tok_<tag>``, whose tokens it was trained on.
        results: folder of the recipe's tables.
        archive: whose name without ``.tar.gz`` is the folder in it.

    Raises:
        InputError: a file is missing, or model, tokenizer and scores do not belong together.
    """
    name = archive.name.removesuffix(".tar.gz")
    files = {f"slm/{file}": slm / file for file in SLM_FILES}
    files |= {f"slm/{path.relative_to(slm)}": path for path in _text_units(slm)}
    files |= _tokenizer_files(tokenizer)
    files |= {file: results / file for file in RESULTS} | {"NOTICE": NOTICE}
    for path in files.values():
        if not path.is_file():
            raise InputError(f"{path}: no such file; run the stage that writes it first, or restore it from the repository")
    tok_id = _require_together(slm, tokenizer, results)
    contents: dict[str, Path | bytes] = {**files, "README.md": README.format(name=name, tok_id=tok_id).encode()}
    with atomic(archive) as temporary:
        _write_tar(temporary, name, contents)
    return sorted(contents)


def _write_tar(path: Path, name: str, contents: dict[str, Path | bytes]) -> None:
    """Entries in order, without owners and times; the times of the packed files say nothing about their content."""
    with (
        open(path, "wb") as raw,
        gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as out,
        tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for inside in sorted(contents):
            content = contents[inside]
            entry = tarfile.TarInfo(f"{name}/{inside}")
            entry.size = len(content) if isinstance(content, bytes) else content.stat().st_size
            with BytesIO(content) if isinstance(content, bytes) else open(content, "rb") as file:
                tar.addfile(entry, file)


def _text_units(slm: Path) -> list[Path]:
    """The SentencePiece model, or all files of a pretrained model's own text tokenizer."""
    found = [slm / "text.model"] if (slm / "text.model").is_file() else sorted(p for p in (slm / "text").rglob("*") if p.is_file())
    if not found:
        raise InputError(f"{slm}: neither text.model nor text/; run stage 8 (slm_train) again")
    return found


def _tokenizer_files(tokenizer: Path) -> dict[str, Path]:
    """Configuration, identity and weights; a published tokenizer's weights if they lie in a folder, else the hub has them."""
    names = ["config.yaml", "tok_id"]
    weights: list[Path] = []
    if tokenizer_kind(tokenizer / "config.yaml") in ADAPTERS:
        (config,) = load_config(tokenizer / "config.yaml", [], AdapterConfig)
        weights = sorted(path for path in Path(config.path).glob("*") if path.suffix in WEIGHTS)
    else:
        names.append("model.safetensors")
        _require_teacher_elsewhere(tokenizer / "config.yaml")
    files = {f"tokenizer/{name}": tokenizer / name for name in names}
    return files | {f"tokenizer/weights/{path.name}": path for path in weights}


def _require_teacher_elsewhere(config: Path) -> None:
    """A k-means tokenizer hears with its teacher, which is no part of the archive: it must have a name that is known elsewhere."""
    if tokenizer_kind(config) != "kmeans":
        return
    (kmeans,) = load_config(config, [], KMeansConfig)
    if Path(kmeans.teacher).is_dir():
        raise InputError(
            f"{config}: its teacher lies in the folder {kmeans.teacher}, which the archive does not hold; name one of "
            f"{', '.join(SOURCES)} or of the Hugging Face hub, or leave stage 14 out (--skip_stages pack)"
        )


def _require_together(slm: Path, tokenizer: Path, results: Path) -> str:
    """The tokenizer id that model, tokenizer and scores have in common."""
    tok_id = (tokenizer / "tok_id").read_text(encoding="utf-8").strip()
    spoken = json.loads((slm / "vocab.json").read_text(encoding="utf-8"))["tok_id"]
    if spoken != tok_id:
        raise InputError(f"{slm} was trained on codes of {spoken}, but {tokenizer} is {tok_id}; run stages 5 to 8 again")
    systems = json.loads((results / "benchmark.json").read_text(encoding="utf-8"))["systems"]
    if (slm.name.removeprefix("slm_"), tok_id) not in {(system["name"], system["tok_id"]) for system in systems}:
        raise InputError(f"{results}/benchmark.json has no scores of {slm.name} with {tok_id}; run stage 13 (report) again")
    return tok_id
