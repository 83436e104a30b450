"""lmspt as a Python package. Recipes need no installation of it: tools/setup.sh makes their environment, in the right order."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent


def requirements(name: str) -> list[str]:
    """Lines of a list in tools/."""
    lines = (line.split("#")[0].strip() for line in (ROOT / "tools" / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


def version() -> str:
    """``__version__``, without importing the package."""
    return re.search(r'^__version__ = "(.+)"$', (ROOT / "lmspt" / "__init__.py").read_text(encoding="utf-8"), re.M)[1]


setup(
    name="lmspt",
    version=version(),
    description="Speech tokenizers trained by semantic speech-resynthesis distillation, and the speech language models on them",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    python_requires=">=3.10",
    packages=find_packages(include=["lmspt", "lmspt.*"]),
    package_data={"": ["*.html"]},
    install_requires=requirements("requirements.txt"),
    extras_require={
        "eval": requirements("requirements-eval.txt"),
        "test": requirements("requirements-test.txt"),
        # the declared dependencies of espnet fight with a current torch: tools/setup.sh installs it with --no-deps
        "espnet": ["espnet>=202511"],
    },
)
