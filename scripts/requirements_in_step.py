"""Check, without a network, that the pinned requirements satisfy pyproject.toml and each other."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def pins(name: str) -> dict[str, str]:
    """Read the pinned versions of a requirement file, by package."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return {canonicalize_name(package): version for package, version in re.findall(r"^(\S+?)==(\S+)", text, re.M)}


def unmet(wanted: list[str], pinned: dict[str, str], file: str) -> list[str]:
    """Name the requirements that no pin satisfies."""
    requirements = [Requirement(line) for line in wanted]
    return [
        f"{file}: {requirement} is not satisfied by {pinned.get(canonicalize_name(requirement.name), 'any pin')}"
        for requirement in requirements
        if pinned.get(canonicalize_name(requirement.name), "") not in requirement.specifier
    ]


def faults() -> list[str]:
    """Compare the files and describe every difference."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    apart = [f"{name} is {version} for running, {dev.get(name)} for development" for name, version in runtime.items()]
    return [
        *unmet(project["dependencies"], runtime, "requirements.txt"),
        *unmet(project["optional-dependencies"]["dev"], dev, "requirements-dev.txt"),
        *(line for line, (name, version) in zip(apart, runtime.items(), strict=True) if dev.get(name) != version),
    ]


if __name__ == "__main__":
    sys.exit("\n".join([*faults(), "Run scripts/lock."]) if faults() else 0)
