import importlib.metadata
import json
import os
import platform
import subprocess
import sys

from keras_iresnet.runs.machine import provenance


def test_versions_are_those_installed():
    found = provenance.versions()
    assert found["keras"] == importlib.metadata.version("keras")
    assert found["python"] == platform.python_version()


def test_machine_is_described_without_its_name():
    found = provenance.machine()
    assert found["cores"] >= 1
    assert found["memory_gib"] > 0.1
    assert found["processor"]
    assert platform.node() not in json.dumps(found)


def _git(folder, *words):
    identity = ["-c", "user.name=n", "-c", "user.email=e"]
    done = subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_project_commit_is_that_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert provenance.project_commit() is None
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    assert provenance.project_commit() == _git(tmp_path, "rev-parse", "HEAD")


def test_package_commit_speaks_of_tracked_source_alone(tmp_path, monkeypatch):
    source = tmp_path / "package" / "runs" / "machine" / "provenance.py"
    other = tmp_path / "package" / "layers" / "layer.py"
    for file in (source, other):
        file.parent.mkdir(parents=True)
        file.write_text("x = 1")
    monkeypatch.setattr(provenance, "__file__", str(source))
    _git(tmp_path, "init", "-q")
    _git(tmp_path, "commit", "-q", "--allow-empty", "-m", "x")
    assert provenance.package_commit() is None  # as for a copy installed inside someone's repository
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "-q", "-m", "y")
    head = _git(tmp_path, "rev-parse", "HEAD")
    assert provenance.package_commit() == head
    other.write_text("x = 2")
    assert provenance.package_commit() == head + "+modified"


def test_commits_are_none_where_there_is_no_git(monkeypatch):
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable) + "/nothing")
    assert provenance.package_commit() is None
    assert provenance.project_commit() is None
