"""What scripts/oldest_versions.py prints are the lower bounds of pyproject.toml, which pip takes as constraints."""

import pathlib
import runpy
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = pathlib.Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "oldest_versions.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
oldest, constraints = (runpy.run_path(str(SCRIPT))[name] for name in ("oldest", "constraints"))


def _printed(*extras):
    """Name -> version of what the script prints, run with nothing but Python."""
    command = [sys.executable, "-I", "-S", str(SCRIPT), *extras]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    return {name: Version(version) for name, version in (line.split("==") for line in text.splitlines())}


@pytest.mark.parametrize("extras", [(), ("test",)])
def test_each_dependency_has_the_lowest_version_that_it_may_have(extras):
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in PROJECT["optional-dependencies"][extra])]
    requirements = {requirement.name: requirement for requirement in map(Requirement, lines)}
    printed = _printed(*extras)
    assert printed.keys() == requirements.keys()
    for name, version in printed.items():
        assert version in requirements[name].specifier
        assert Version(f"{version}.dev0") not in requirements[name].specifier  # nor is there a lower one


def test_extras_and_later_bounds_are_no_part_of_it():
    assert oldest("tensorflow-probability[tf]>=0.25,<0.26") == "tensorflow-probability==0.25"
    assert oldest("filelock >= 3.13") == "filelock==3.13"


@pytest.mark.parametrize("requirement", ["keras", "keras<4", "keras~=3.12", "keras==3.12"])
def test_a_dependency_without_a_lower_bound_is_refused(requirement):
    with pytest.raises(ValueError, match=r"must say `>=` first\. Received: requirement='keras"):
        oldest(requirement)


def test_an_extra_that_is_not_there_is_refused():
    with pytest.raises(
        ValueError, match=r"among gpu, tables, torch, onnx, hub, docs, test\. Received: extras=\['tests'\]"
    ):
        constraints(PROJECT, ["tests"])
