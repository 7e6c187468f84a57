"""Prints the oldest versions that pyproject.toml allows, as constraints for pip.

    python scripts/oldest_versions.py test > oldest.txt && pip install -c oldest.txt '.[test]'

It needs Python alone. Arguments are extras whose lower bounds are wanted too.
"""

import pathlib
import re
import sys
import tomllib

PYPROJECT = pathlib.Path(__file__).parents[1] / "pyproject.toml"
_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)\s*(?:\[[^]]*\])?\s*>=\s*(?P<lower>[\w.]+)")


def oldest(requirement: str) -> str:
    """`"keras>=3.12,<4"` -> `"keras==3.12"`.

    Raises:
        ValueError: it does not begin with a lower bound.
    """
    match = _REQUIREMENT.match(requirement)
    if match is None:
        raise ValueError(f"A dependency must say `>=` first. Received: requirement={requirement!r}")
    return f"{match['name']}=={match['lower']}"


def constraints(project: dict, extras: list[str]) -> list[str]:
    """One line a dependency of `[project]`, those of `extras` included, sorted.

    Raises:
        ValueError: there is no such extra.
    """
    optional = project["optional-dependencies"]
    if unknown := sorted(set(extras) - set(optional)):
        raise ValueError(f"Extras must be among {', '.join(optional)}. Received: extras={unknown}")
    requirements = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    return sorted(oldest(requirement) for requirement in requirements)


def main() -> None:
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    print("\n".join(constraints(project, sys.argv[1:])))


if __name__ == "__main__":
    main()
