"""What an installed user gets, and what holds the package together."""

import importlib.metadata
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]


def _run(*words, **options):
    return subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=300, **options)


def test_floors_point_one_way():
    lint = pathlib.Path(sysconfig.get_path("scripts")) / "lint-imports"
    result = _run(lint, "--no-cache", cwd=ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_installed_version_is_that_of_the_sources():
    assert importlib.metadata.version("keras-iresnet") == PROJECT["version"]


def test_the_licence_is_apache_2_0_in_full():
    text = (ROOT / "LICENSE").read_text()
    assert PROJECT["license"] == "Apache-2.0"
    assert text.lstrip().startswith("Apache License\n                           Version 2.0, January 2004")
    assert "END OF TERMS AND CONDITIONS" in text
    assert text.endswith("limitations under the License.\n")


def test_importing_is_silent_and_brings_in_only_what_a_model_needs():
    # What Keras prints and imports by itself is not ours to hold back: only what comes after it counts.
    code = (
        "import sys, keras; before = set(sys.modules); print('>', flush=True); print('>', file=sys.stderr, flush=True);"
        "import keras_iresnet; print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))"
    )
    result = _run(sys.executable, "-c", code, check=True)
    (imported,) = result.stdout.split(">\n", 1)[1].splitlines()
    assert "keras_iresnet" in imported.split()
    assert not {"tensorflow_datasets", "tensorflow_probability", "matplotlib", "click"} & set(imported.split())
    assert result.stderr.split(">\n", 1)[1] == ""


def test_another_backend_of_keras_is_refused_by_name():
    result = _run(sys.executable, "-c", "import keras_iresnet", env={**os.environ, "KERAS_BACKEND": "jax"})
    assert result.returncode == 1
    assert "ImportError: keras_iresnet needs the TensorFlow backend of Keras" in result.stderr
    assert "Received: KERAS_BACKEND=jax" in result.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist made of the sources, and the wheel made of that sdist."""
    folder = tmp_path_factory.mktemp("built")
    anywhere = shutil.ignore_patterns(".*cache", ".git", ".venv", "__pycache__", "*.egg-info", "build", "dist")

    def kept_out(at, names):
        # Runs at the top alone: a room of the package has that name too.
        return anywhere(at, names) | ({"runs"} if pathlib.Path(at) == ROOT else set())

    shutil.copytree(ROOT, folder / "sources", ignore=kept_out)
    (folder / "sources" / "tests" / "__pycache__").mkdir()
    (folder / "sources" / "tests" / "__pycache__" / "stale.cpython-311.pyc").touch()
    result = _run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder, folder / "sources")
    assert result.returncode == 0, result.stdout + result.stderr
    return folder


def test_the_wheel_holds_the_package_and_its_command_alone(built):
    (path,) = built.glob("*.whl")
    names = zipfile.ZipFile(path).namelist()
    metadata = f"keras_iresnet-{PROJECT['version']}.dist-info"
    packages = {"keras_iresnet", "keras_iresnet_cli"}
    assert {name.split("/")[0] for name in names} == packages | {metadata}
    sources = {str(file.relative_to(ROOT)) for package in packages for file in (ROOT / package).rglob("*.py")}
    assert set(names) >= sources
    records = {str(file.relative_to(ROOT)) for file in (ROOT / "keras_iresnet/zoo/records").glob("*.json")}
    assert records
    assert set(names) >= records
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "keras_iresnet/py.typed" in names  # type checkers of whoever installs it believe the annotations


def test_the_sdist_holds_what_a_developer_needs_and_nothing_compiled(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as sdist:
        names = {name.split("/", 1)[1] for name in sdist.getnames() if "/" in name}
    needed = {"README.md", "LICENSE", "CONTRIBUTING.md", "CHANGELOG.md", "pyproject.toml", ".ci/run"}
    needed |= {"CITATION.cff", ".pre-commit-config.yaml", ".github/workflows/ci.yml"}
    for folder in ("docs", "scripts", "tests", "zoo"):
        files = (file for file in (ROOT / folder).rglob("*") if file.is_file() and "cache" not in str(file.parent.name))
        needed |= {str(file.relative_to(ROOT)) for file in files}
    assert names >= needed
    assert not [name for name in names if name.endswith(".pyc")]
