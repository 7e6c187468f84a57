"""What README.md promises is run: its Python, its commands' options, its links."""

import pathlib
import re
import shlex

import numpy as np
import pytest
from matplotlib.image import imread

from keras_iresnet.evaluation import pictures
from keras_iresnet_cli import cli

README = pathlib.Path(__file__).parents[1] / "README.md"
TEXT = README.read_text()


def _blocks(language, text=TEXT):
    """(lines above it, code) of each fenced block."""
    found = re.finditer(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    return [(text.count("\n", 0, match.start(1)), match[1]) for match in found]


def _commands():
    """The words of every command in the bash blocks."""
    for _, block in _blocks("bash"):
        for command in re.split(r"&&|\n", block.replace("\\\n", " ")):
            if words := shlex.split(command, comments=True):
                yield words


def _of(program):
    return [shlex.join(words[1:]) for words in _commands() if pathlib.PurePath(words[0]).name == program]


def test_python_blocks_run_in_order(tmp_path, monkeypatch):
    blocks = _blocks("python")
    assert blocks, "README.md must show the package in use: a ```python block"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    namespace = {"__name__": "__main__"}
    for above, code in blocks:
        # The empty lines let a traceback point to the line in README.md.
        exec(compile("\n" * above + code, str(README), "exec"), namespace)


@pytest.mark.slow
def test_the_picture_has_the_images_of_the_first_block():
    namespace = {}
    exec(_blocks("python")[0][1], namespace)
    drawn = pictures.grid(namespace["images"].numpy(), columns=8)
    shown = np.round(255 * imread(README.parent / "docs" / "mnist_samples.png")[..., :3])
    assert shown.shape == drawn.shape
    assert np.mean(np.abs(shown - drawn) > 2) < 0.01  # another processor may round a pixel to the next value


def test_the_quick_start_is_a_training_run_then_the_tests():
    match = re.search(r"^## Quick start$(.*?)(?=^## |\Z)", TEXT, re.M | re.S)
    assert match, "README.md must have the heading '## Quick start'"
    training, tests = [code for _, code in _blocks("bash", match[1])][:2]
    assert "pip install ." in training
    assert "keras-iresnet train digits_flow" in training
    assert "pip install '.[test]'" in tests
    assert "pytest" in tests


def test_it_is_read_in_three_minutes():
    prose = re.sub(r"^```.*?^```$|^\|.*?$|<!--.*?-->", "", TEXT, flags=re.M | re.S)
    assert len(prose.split()) < 900


def test_every_command_of_the_package_is_shown():
    shown = {arguments.split()[0] for arguments in _of("keras-iresnet")}
    shown |= set(re.findall(r"`keras-iresnet (\w+)[^`]*`", TEXT))
    assert shown == set(cli.commands)


@pytest.mark.parametrize("arguments", _of("keras-iresnet"))
def test_commands_take_the_options_shown(arguments):
    name, *rest = shlex.split(arguments)
    parent = cli.make_context("keras-iresnet", [name], resilient_parsing=True)
    cli.commands[name].make_context(name, rest, parent=parent)


def test_files_and_headings_that_it_points_to_exist():
    prose = re.sub(r"^```.*?^```$", "", TEXT, flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)\s]+)|(?:src|href)=\"([^\"]+)\"", prose)
    local = [a or b for a, b in targets if not re.match(r"https?:|mailto:", a or b)]
    local += [word for words in _commands() for word in words if word.startswith("scripts/")]
    assert local, "README.md must point to its pictures and its neighbours"
    slugs = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.*)$", prose, re.M)
    }
    missing = [
        target
        for target in local
        if not (target[1:] in slugs if target[0] == "#" else (README.parent / target.split("#")[0]).exists())
    ]
    assert not missing
