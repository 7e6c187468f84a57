"""What the command line tells of itself: help texts, near names, completion."""

import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import textwrap

import click
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner

from keras_iresnet import zoo
from keras_iresnet.commands.evaluate import SPLITS
from keras_iresnet.commands.interpolate import METHODS
from keras_iresnet.runs import fields
from keras_iresnet.runs.field_values import as_text, option
from keras_iresnet.studies import dynamics, strangers, sweep
from keras_iresnet_cli import cli

GROUPS = ["Model", "Optimisation", "Data", "Run"]


def _help(*words):
    result = CliRunner().invoke(cli, [*words, "--help"])
    assert result.exit_code == 0, result.output
    return result.stdout


def _commands(group=cli, words=()):
    """(words, command) of each command that does something."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _commands(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = [pytest.param(words, command, id=" ".join(words)) for words, command in _commands()]


@pytest.mark.parametrize("name", ["digits_flow", "cifar10_classifier", "toy_flow"])
def test_every_field_is_shown_with_its_type_and_the_default_of_this_model(name):
    text = " ".join(_help("train", name).split())
    placeholders = {int: "INTEGER", float: "FLOAT", str: "TEXT", bool: "BOOLEAN", tuple: "INTEGER,..."}
    for field in fields(name):
        kind = f"[{'|'.join(field.choices)}]" if field.choices else placeholders.get(field.type, "NAME,...")
        kind = kind if len(kind) <= 50 else "NAME"
        start = f"--{option(field.name)} {kind} "
        assert text.count(start) == 1, start
        said = text.partition(start)[2].partition(" --")[0] if field.name == "dataset" else text.partition(start)[2]
        if kind == "NAME":
            assert said.index(f"[one of {', '.join(field.choices)}]") < said.index("[default:")
        default = re.search(r"\[default: (.*?)\]", said)[1]
        assert default == (as_text(field.default) or '""'), field.name
    assert "VALUE" not in text


def test_help_speaks_of_options_where_docstrings_speak_of_fields():
    text = " ".join(_help("train", "digits_flow").split())
    assert "--learning-rate FLOAT Peak rate." in text
    assert "--drop-factor FLOAT Of --decay drop." in text
    assert "cosine to fall to 0 at the end; drop to be multiplied by --drop-factor at each of --drop-epochs" in text
    assert "Global norm that gradients are clipped to, or none." in text
    assert "a flow over integer images (batch, 8, 8, 1) with 17 values a pixel" in text
    assert "--expected" not in text
    assert "`" not in text


def test_a_model_has_its_own_options_in_groups():
    text = _help("train", "digits_flow")
    assert re.findall(r"^(\w+):$", text, re.M)[: len(GROUPS)] == GROUPS
    sections = dict(zip(GROUPS, re.split(r"^(?:Model|Optimisation|Data|Run):$", text, flags=re.M)[1:], strict=True))
    for group, name in [("Model", "--blocks"), ("Optimisation", "--decay"), ("Data", "--data-dir"), ("Run", "--out")]:
        assert [title for title in GROUPS if re.search(rf"^  {name} ", sections[title], re.M)] == [group]
    assert "--units" not in text
    assert "--units INTEGER,..." in _help("train", "toy_flow")


def test_the_model_may_be_named_anywhere():
    texts = {_help("train", *words.split()) for words in ("toy_flow", "--out x toy_flow", "--blocks 3 toy_flow --json")}
    assert len(texts) == 1


def test_without_a_model_there_are_the_common_options_and_where_to_find_the_others():
    text = " ".join(_help("train").split())
    assert "keras-iresnet train NAME --help" in text
    assert "--resume PATH" in text
    assert "--learning-rate" not in text


@pytest.mark.parametrize(
    ("given", "near"), [("--chanels", "--channels"), ("--learning_rat", "--learning-rate"), ("--drop", None)]
)
def test_an_unknown_option_is_refused_with_a_near_one_and_the_list(given, near):
    result = CliRunner().invoke(cli, ["train", "digits_flow", given, "1"])
    assert result.exit_code == 2
    assert "must be one of --accumulation-steps, --act-norm," in result.stderr
    assert (f"Did you mean {near}?" in result.stderr) == (near is not None)
    assert f"Received: {given.replace('_', '-')}" in result.stderr


def test_fields_without_a_model_ask_for_one():
    result = CliRunner().invoke(cli, ["train", "--epochs", "3"])
    assert result.exit_code == 2
    assert "`name` must be a model of the zoo. Received: name=None" in result.stderr


def test_a_run_to_go_on_with_decides_which_options_there_are():
    run = pathlib.Path(__file__).parent / "compatibility" / "before" / "interrupted_run"
    result = CliRunner().invoke(cli, ["train", "--resume", str(run), "--chanels", "1"])
    name = re.search(r"An option for (\w+) must", result.stderr)
    assert name, result.stderr
    assert name[1] == json.loads((run / "config.json").read_text())["name"]


@pytest.mark.parametrize(("words", "command"), COMMANDS)
def test_every_command_shows_an_example_that_it_takes(words, command):
    if words == ("list",):
        return
    program, *rest = shlex.split(re.search(r"Example:\n +(.*)", _help(*words))[1])
    assert program == "keras-iresnet"
    assert tuple(rest[: len(words)]) == words
    parent = cli.make_context("keras-iresnet", [words[0]], resilient_parsing=True)
    context = command.make_context(words[-1], rest[len(words) :], parent=parent)
    given = {context.get_parameter_source(name) for name in context.params}
    assert click.core.ParameterSource.COMMANDLINE in given


@pytest.mark.parametrize("columns", [80, 120])
def test_help_has_the_width_of_the_terminal(columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))  # which click's runner of commands would not look at
    for words in ((), ("evaluate",), ("figures", "hybrid"), ("train", "digits_flow")):
        cli([*words, "--help"], standalone_mode=False)
        widest = max(len(line) for line in capsys.readouterr().out.splitlines())
        assert widest <= columns
    assert widest > columns - 10


@pytest.mark.parametrize(
    ("words", "name", "known"),
    [
        ("evaluate", "split", SPLITS),
        ("interpolate", "method", METHODS),
        ("figures error-by-coeff", "size", sweep.SIZES),
        ("figures singular-values", "size", sweep.SIZES),
        ("figures dynamics", "size", dynamics.SIZES),
        ("figures hybrid", "size", strangers.SIZES),
    ],
)
def test_choices_are_those_of_the_function_behind(words, name, known):
    command = {" ".join(path): command for path, command in _commands()}[words]
    (found,) = [parameter for parameter in command.params if parameter.name == name]
    assert sorted(found.type.choices) == sorted(known)


def _completed(*words):
    *given, incomplete = words
    completing = BashComplete(cli, {}, "keras-iresnet", "_KERAS_IRESNET_COMPLETE")
    return [(item.type, item.value) for item in completing.get_completions(given, incomplete)]


def test_the_shell_completes_commands_options_choices_and_folders():
    assert _completed("rec") == [("plain", "reconstruct")]
    assert _completed("train", "digits_flow", "--res") == [("plain", "--resume")]
    assert _completed("interpolate", "x", "--method", "s") == [("plain", "spherical")]
    for words in (("sample", "ru"), ("train", "--resume", "ru"), ("figures", "singular-values", "ru")):
        assert _completed(*words) == [("dir", "ru")]


def test_the_shell_completes_the_models_that_have_a_record():
    recorded = [name for name in zoo.list() if getattr(zoo.get(name), "record", None)]
    assert _completed("train", "") == [("plain", name) for name in recorded]


def _modules_after(code, **environment):
    """What a fresh process printed, and whether it had imported TensorFlow when it ended."""
    watched = f"import sys\ntry:\n{textwrap.indent(code, '    ')}\nfinally:\n    print('tensorflow' in sys.modules)"
    environment = os.environ | environment | {"PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", watched], env=environment, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    *printed, started = result.stdout.splitlines()
    return printed, started == "True"


@pytest.mark.parametrize(
    ("words", "offered"),
    [("train digits_flow --o", ["plain,--out"]), ("train digits_flow --blocks 3 --js", ["plain,--json"])],
)
def test_completion_starts_no_tensorflow(words, offered):
    code = "sys.argv = ['keras-iresnet']\nfrom keras_iresnet_cli import main\nmain()"
    typed = {"COMP_WORDS": f"keras-iresnet {words}", "COMP_CWORD": str(len(words.split()))}
    assert _modules_after(code, _KERAS_IRESNET_COMPLETE="bash_complete", **typed) == (offered, False)


@pytest.mark.slow
def test_help_starts_no_tensorflow_but_that_of_a_model():
    commands = [["--help"], *([*words, "--help"] for words, _ in _commands())]
    code = "from keras_iresnet_cli import cli\nfor words in {}:\n    cli(words, standalone_mode=False)".format
    printed, started = _modules_after(code(commands))
    assert len([line for line in printed if line.startswith("Usage: ")]) == len(commands)
    assert not started
    assert _modules_after(code([["train", "toy_flow", "--help"]]))[1]
