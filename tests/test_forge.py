"""What a public forge reads: workflows, the pre-commit configuration, CITATION.cff; all of it without a network."""

import pathlib
import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WORKFLOW = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
HOOKS = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]
STEPS = [(name, step) for name, job in WORKFLOW["jobs"].items() for step in job["steps"]]
CHECKS = (
    *("python -m pytest", "ruff check", "ruff format --check", "lint-imports", "python -m build"),
    *("mypy keras_iresnet keras_iresnet_cli", "python scripts/oldest_versions.py test"),
)
RUN = "\n".join(step["run"] for _, step in STEPS if "run" in step)


def test_actions_are_pinned_by_version():
    used = {step["uses"] for _, step in STEPS if "uses" in step}
    assert used
    assert not [action for action in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", action)]


def test_jobs_end_and_may_write_nothing():
    assert not [name for name, job in WORKFLOW["jobs"].items() if not 0 < job["timeout-minutes"] <= 60]
    assert WORKFLOW["permissions"] == {"contents": "read"}


@pytest.mark.parametrize("command", CHECKS)
def test_each_check_has_its_step(command):
    assert command in RUN


def test_what_skips_without_an_extra_runs_on_the_oldest_and_on_the_newest():
    job = WORKFLOW["jobs"]["tests"]
    runs = "\n".join(step["run"] for step in job["steps"] if "run" in step)
    assert "install --constraint constraints.txt '.[${{ matrix.extras }}]'" in runs
    (constrained,) = re.findall(r"oldest_versions\.py (.*) > constraints\.txt", runs)
    extras = constrained.split()
    assert set(extras) == set(PROJECT["optional-dependencies"]) - {"gpu", "docs", "tables"}
    full = [run["versions"] for run in job["strategy"]["matrix"]["include"] if run["extras"].split(",") == extras]
    assert sorted(full) == ["newest", "oldest"]
    # `test` has what `tables` has, and all that tests ask for is in one of them.
    lines = [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    have = {re.sub("-", "_", Requirement(line).name) for line in lines}
    skips = re.compile(r'importorskip\("(\w+)')
    asked = {name for file in (ROOT / "tests").rglob("test_*.py") for name in skips.findall(file.read_text())}
    assert asked - have == {"normflows"}  # a peer of the benchmarks, which nobody needs


def test_wheel_and_sdist_are_run_where_they_are_installed():
    runs = "\n".join(step["run"] for name, step in STEPS if name == "wheel" and "run" in step)
    assert 'for made in "$GITHUB_WORKSPACE"/dist/*.whl "$GITHUB_WORKSPACE"/dist/*.tar.gz; do' in runs
    assert "ki.zoo.load('mnist_flow_small').sample(16)" in runs


def test_what_takes_minutes_with_onnx_runs_with_it():
    runs = "\n".join(step["run"] for name, step in STEPS if name == "onnx" and "run" in step)
    skips = re.compile(r'^    pytest\.importorskip\("tf2onnx"\)', re.MULTILINE)
    needing = [file for file in (ROOT / "tests").rglob("test_*.py") if skips.search(file.read_text())]
    assert "'.[test,onnx]'" in runs
    assert sorted(re.findall(r"tests/[\w/]+\.py", runs)) == sorted(str(file.relative_to(ROOT)) for file in needing)


def test_versions_of_python_are_those_of_the_package():
    runs = WORKFLOW["jobs"]["tests"]["strategy"]["matrix"]["include"]
    newest = {run["python"] for run in runs if run["versions"] == "newest"}
    classifiers = (line.split(" :: ") for line in PROJECT["classifiers"])
    assert newest == {parts[-1] for parts in classifiers if parts[:2] == ["Programming Language", "Python"]}
    assert [f">={run['python']}" for run in runs if run["versions"] == "oldest"] == [PROJECT["requires-python"]]


def test_files_that_steps_and_hooks_name_are_there():
    text = RUN + "\n".join(hook["entry"] for hook in HOOKS)
    named = set(re.findall(r"(?:scripts|tests)/[\w/]+\.py", text))
    assert named
    assert not [path for path in named if not (ROOT / path).is_file()]


def test_hooks_take_the_tools_that_the_tests_bring():
    tools = {Requirement(line).name for line in PROJECT["optional-dependencies"]["test"]}
    commands = {"ruff": "ruff", "lint-imports": "import-linter", "python": "pytest"}
    assert HOOKS
    for hook in HOOKS:
        assert hook["language"] == "system"
        assert commands[hook["entry"].split()[0]] in tools
        files = [str(file.relative_to(ROOT)) for pattern in ("*.md", "*/*.py") for file in ROOT.glob(pattern)]
        assert [file for file in files if re.search(hook.get("files", ""), file)]


def test_the_citation_is_of_this_version():
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["message"]
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    assert CITATION["abstract"].strip() == PROJECT["description"]
    assert CITATION["title"] == PROJECT["name"].replace("-", "_")
    assert CITATION["authors"] == [{"name": "The keras_iresnet developers"}]


def test_the_citation_refers_to_the_paper():
    (paper,) = CITATION["references"]
    assert (paper["title"], paper["year"]) == ("Invertible Residual Networks", 2019)
    assert paper["authors"][0]["family-names"] == "Behrmann"
    assert paper["url"].rpartition("/")[2] in (ROOT / "README.md").read_text()
