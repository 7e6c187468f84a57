"""What keeps the house in order: small files, small folders, names that are not taken for each other."""

import ast
import collections
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FILES = sorted(path for name in ("keras_iresnet", "keras_iresnet_cli") for path in (ROOT / name).rglob("*.py"))
FOLDERS = sorted({path.parent for path in FILES})


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_file_is_short_and_says_what_it_is(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_folder_is_small_and_says_what_lives_there_and_who_may_know_it(folder):
    assert len(list(folder.glob("*.py"))) <= 20
    summary, _, rest = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())).partition("\n\n")
    assert summary.endswith(".")
    assert rest, "the second paragraph says what may be imported from where"


def test_no_two_files_have_one_name():
    package = [path.name for path in FILES if ROOT / "keras_iresnet" in path.parents and path.name != "__init__.py"]
    assert not [name for name, count in collections.Counter(package).items() if count > 1]
