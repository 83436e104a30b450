"""Every script answers --help, every recipe has a plan, and what recipes share is the same in all."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.utils.shell import ROOT

TEMPLATE = ROOT / "egs/TEMPLATE/slm1"
RECIPES = sorted(path.parent for path in (ROOT / "egs").glob("*/*/run.sh") if path.parent != TEMPLATE)
SCRIPTS = [path for recipe in RECIPES for path in (*recipe.glob("run*.sh"), recipe / "local/data.sh")]
TOOLS = [path for path in (ROOT / "utils").glob("*.py") if path.read_bytes().startswith(b"#!")]
TOOLS += [ROOT / "tools/setup.sh", ROOT / "tools/test.sh", TEMPLATE / "setup.sh"]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT / "egs"))


def run(folder: Path, *command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*map(str, command)], cwd=folder, capture_output=True, text=True, timeout=60)


def check_help(script: Path) -> None:
    began = time.time()
    recipe = script.parent.parent if script.parent.name == "local" else script.parent
    done = run(recipe, script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) > 2
    assert time.time() - began < 20  # no environment is set up, nothing is imported


def check_plan(recipe: Path, folder: Path) -> None:
    done = run(folder, recipe / "run.sh", "--dry_run", "--dumpdir", folder / "dump", "--expdir", folder / "exp")
    assert (done.returncode, done.stderr) == (0, "")
    assert "stage 14 (pack): " in done.stdout
    assert not list(folder.iterdir())


@pytest.mark.parametrize("script", SCRIPTS, ids=name_of)
def test_help(script: Path) -> None:
    check_help(script)


@pytest.mark.parametrize("tool", TOOLS, ids=lambda path: path.name)
def test_help_of_tools(tool: Path, tmp_path: Path) -> None:
    began = time.time()
    done = run(tmp_path, tool, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert tool.name in done.stdout
    assert time.time() - began < 10 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_plan(recipe: Path, tmp_path: Path) -> None:
    check_plan(recipe, tmp_path)


def test_new_recipe(tmp_path: Path) -> None:
    for part in ("egs/TEMPLATE", "utils"):
        shutil.copytree(ROOT / part, tmp_path / part, symlinks=True)
    recipe = tmp_path / "egs/new/slm1"
    assert run(tmp_path, tmp_path / "egs/TEMPLATE/slm1/setup.sh", recipe).returncode == 0
    check_help(recipe / "run.sh")
    check_help(recipe / "local/data.sh")
    (tmp_path / "empty").mkdir()
    check_plan(recipe, tmp_path / "empty")


@pytest.mark.parametrize("recipe", RECIPES, ids=name_of)
def test_recipes_share_the_job_runners(recipe: Path) -> None:
    for name in ("cmd.sh", "conf/slurm.conf"):
        assert (recipe / name).read_bytes() == (TEMPLATE / name).read_bytes()
