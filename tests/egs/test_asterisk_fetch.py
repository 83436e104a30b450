"""The asterisk recipe's local/data.sh: where the archives come from, with stubs of the programs that reach the network."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from lmspt.data.datadir import DataDir
from tests.egs.asterisk import FRENCH, LOCAL, PHRASES, WORDS, write_archive
from tests.utils.shell import ROOT


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """A recipe's folder, whose bin/ has stubs of the programs that reach the network, and archives/ what they fetch."""
    folder = tmp_path / "slm1"
    shutil.copytree(LOCAL, folder / "local", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "utils").symlink_to(ROOT / "utils")
    (folder / "path.sh").write_text(f"export PATH={tmp_path}/bin:{Path(sys.executable).parent}:${{PATH}} PYTHONPATH={ROOT}\n")
    (tmp_path / "archives").mkdir()
    (tmp_path / "bin").mkdir()
    calls = f'echo "${{0##*/}} $*" >> {tmp_path}/calls\n'
    stub(tmp_path, "apt-get", calls + APT_GET.format(archives=tmp_path / "archives"))
    stub(tmp_path, "dpkg-deb", 'tar -xf "$2" -C "$3"')
    stub(tmp_path, "id", "echo 1000")
    stub(tmp_path, "curl", calls + f'for url; do :; done; cp {tmp_path}/archives/"${{url##*/}}" "$5" || exit 22')
    return folder


APT_GET = """
if [ "$2" = update ]; then touch {archives}/lists; exit 0; fi
for name; do case ${{name}} in asterisk-*) cp {archives}/"${{name}}".deb . || exit 100 ;; esac; done
[ -e {archives}/lists ]
"""


def stub(folder: Path, name: str, script: str) -> None:
    path = folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def data_sh(recipe: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", "local/data.sh", "--said", "10", *arguments]
    return subprocess.run(command, cwd=recipe, capture_output=True, text=True, timeout=60, check=False)


def calls_of(recipe: Path) -> list[str]:
    calls = recipe.parent / "calls"
    return [line.split()[0] for line in calls.read_text().splitlines()] if calls.exists() else []


def pack(recipe: Path, lang: str, debian: bool) -> list[Path]:
    """What the stubs fetch for a language."""
    content, archives = recipe.parent / "content", recipe.parent / "archives"
    shutil.rmtree(content, ignore_errors=True)
    write_archive(content, lang, {**WORDS, **PHRASES} if lang == "en" else FRENCH, debian)
    if debian:
        parts = {f"asterisk-core-sounds-{lang}.deb": "usr/share/doc", f"asterisk-core-sounds-{lang}-g722.deb": "usr/share/asterisk"}
    else:
        parts = {f"asterisk-core-sounds-{lang}-g722-1.6.1.tar.gz": "."}
    for name, part in parts.items():
        with tarfile.open(archives / name, "w:gz") as archive:
            archive.add(content / part, arcname=part)
        sha1 = hashlib.sha1((archives / name).read_bytes(), usedforsecurity=False).hexdigest()
        (archives / f"{name}.sha1").write_text(f"{sha1}  {name}\n")
    return [archives / name for name in parts]


def test_packages_are_fetched_once(recipe: Path) -> None:
    archives = [*pack(recipe, "en", debian=True), *pack(recipe, "fr", debian=True)]
    (recipe.parent / "archives/lists").touch()
    done = data_sh(recipe, "--langs", "en fr")
    assert done.returncode == 0, done.stderr
    assert calls_of(recipe) == ["apt-get", "apt-get"]
    assert len(DataDir(recipe / "data/train").joins) == 10
    recorded = "".join((recipe / "downloads" / lang / "SHA256SUMS").read_text() for lang in ("en", "fr"))
    assert sorted(line.split()[0] for line in recorded.splitlines()) == sorted(
        hashlib.sha256(path.read_bytes()).hexdigest() for path in archives
    )
    assert data_sh(recipe, "--langs", "en fr").returncode == 0
    assert len(calls_of(recipe)) == 2


def test_root_brings_the_lists_up_to_date(recipe: Path) -> None:
    pack(recipe, "en", debian=True)
    stub(recipe.parent, "id", "echo 0")
    done = data_sh(recipe)
    assert done.returncode == 0, done.stderr
    assert "apt-get -qq update" in (recipe.parent / "calls").read_text()


def test_others_are_told_to_and_the_project_is_asked(recipe: Path) -> None:
    pack(recipe, "en", debian=False)
    done = data_sh(recipe)
    assert done.returncode == 0, done.stderr
    assert "run 'apt-get update' as root" in done.stderr
    assert calls_of(recipe) == ["apt-get", "curl", "curl"]
    assert DataDir(recipe / "data/test_said").joins
    assert (recipe / "downloads/en/SHA256SUMS").read_text().endswith("./asterisk-core-sounds-en-g722-1.6.1.tar.gz\n")


def test_an_archive_that_came_broken_is_not_taken(recipe: Path) -> None:
    (archive,) = pack(recipe, "en", debian=False)
    archive.write_bytes(archive.read_bytes()[:-100])
    done = data_sh(recipe)
    assert done.returncode == 1
    assert "cannot fetch the sounds of 'en'" in done.stderr
    assert not (recipe / "downloads/en").exists()


@pytest.mark.parametrize(("langs", "message"), [("fr", "en must be among them"), ("en de", "'de' is not one of en es fr it ru")])
def test_languages_that_cannot_be(recipe: Path, langs: str, message: str) -> None:
    done = data_sh(recipe, "--langs", langs)
    assert done.returncode == 1
    assert message in done.stderr
    assert not calls_of(recipe)
