"""Where a run comes from: package versions, commits and the machine, without names of hosts or users."""

import importlib.metadata
import os
import pathlib
import platform
import subprocess

import tensorflow as tf

_PACKAGES = (
    "keras-iresnet",
    "tensorflow",
    "keras",
    "tensorflow-probability",
    "tensorflow-datasets",
    "numpy",
    "scikit-learn",
)


def versions() -> dict:
    """Distribution -> version of the packages that a run's numbers depend on; `None` where not installed."""
    return {"python": platform.python_version()} | {package: _version(package) for package in _PACKAGES}


def _version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def package_commit() -> str | None:
    """Commit of this package's source, `+modified` where the tree differs; `None` outside its repository."""
    source = pathlib.Path(__file__).resolve().parent
    # An installed copy may lie inside someone else's repository: only a tracked file speaks for the package.
    if _git(source, "ls-files", "--error-unmatch", pathlib.Path(__file__).name) is None:
        return None
    commit = _git(source, "rev-parse", "HEAD")
    return commit and commit + ("+modified" if _git(source, "status", "--porcelain", "--", "../..") else "")


def project_commit() -> str | None:
    """Commit of the repository around the working directory; `None` where there is none."""
    return _git(pathlib.Path.cwd(), "rev-parse", "HEAD")


def _git(folder, *arguments):
    """What git prints, or `None` where git is missing or refuses."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def machine() -> dict:
    """Processor, cores, memory and accelerators."""
    details = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "accelerators": [detail.get("device_name", "GPU") for detail in details],
    }


def _processor():
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _memory_gib():
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (ValueError, OSError, AttributeError):  # not every system tells
        return None
