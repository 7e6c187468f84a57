"""What all commands have in common: how they are called, and what they refuse before any work."""

import inspect
import math

import pytest

from keras_iresnet import commands, data
from keras_iresnet.commands import certify_run, evaluate_run, interpolate_run, reconstruct_run, sample_run
from keras_iresnet.commands.arguments import check_at_least
from keras_iresnet.runs import RunFolder


def _idle(path, name="digits_flow", **more):
    """A run folder of which nothing can be loaded."""
    run = RunFolder.create(path)
    run.best.touch()
    recipe = {"dataset": "digits", "seed": 0}
    run.write_json(run.config, {"name": name, "builder": {}, "recipe": recipe} | more)
    return run.path


@pytest.fixture
def nothing_is_read(monkeypatch):
    """Reading data or loading a model fails the test."""

    def refuse(*_, **__):
        pytest.fail("a model was loaded, or data were read")

    monkeypatch.setattr(RunFolder, "load_best", refuse)
    monkeypatch.setattr(data, "load", refuse)


@pytest.mark.parametrize("name", commands.__all__)
def test_the_run_comes_first_and_all_else_by_name(name):
    command = getattr(commands, name)
    first, *others = inspect.signature(command).parameters.values()
    assert first.name == "run"
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in others)
    annotations = inspect.get_annotations(command)
    assert set(annotations) == {"run", "return", *(parameter.name for parameter in others)}
    assert "Raises:" in command.__doc__
    assert "ValueError: no run folder" in command.__doc__ or "ValueError: no such" in command.__doc__


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (evaluate_run, {"split": "dev"}, "`split` must be one of train, validation, test. Received: split='dev'"),
        (evaluate_run, {"bias": 0.0}, "`bias` must be positive. Received: bias=0.0"),
        (evaluate_run, {"bias": math.nan}, "`bias` must be positive. Received: bias=nan"),
        (evaluate_run, {"standard_error": -1.0}, "`standard_error` must be positive. Received: standard_error=-1.0"),
        (evaluate_run, {"num_terms": 0}, "`num_terms` must be .* at least 1"),
        (evaluate_run, {"max_passes": 0}, "`max_passes` must be an integer of at least 1. Received: max_passes=0"),
        (sample_run, {"n": 0}, "`n` must be at least 1. Received: n=0"),
        (sample_run, {"label": -1}, "`label` must be at least 0. Received: label=-1"),
        (sample_run, {"label": 3}, r"`label` must be none for a run of p\(x\)"),
        (sample_run, {"temperature": -1.0}, "`temperature` must be at least 0. Received: temperature=-1.0"),
        (sample_run, {"temperature": math.nan}, "`temperature` must be at least 0. Received: temperature=nan"),
        (sample_run, {"out": "x.gif"}, r"`out` must end in \.png or \.npy"),
        (reconstruct_run, {"n": 0}, "`n` must lie in 1 to 1000. Received: n=0"),
        (reconstruct_run, {"n": 1001}, "`n` must lie in 1 to 1000. Received: n=1001"),
        (reconstruct_run, {"seed": -1}, "`seed` must be at least 0. Received: seed=-1"),
        (reconstruct_run, {"out": "x.gif"}, r"`out` must end in \.png or \.npy"),
        (interpolate_run, {"pairs": 0}, "`pairs` must be at least 1. Received: pairs=0"),
        (interpolate_run, {"steps": 1}, "`steps` must be at least 2. Received: steps=1"),
        (interpolate_run, {"method": "cubic"}, "spherical, linear. Received: method='cubic'"),
        (interpolate_run, {"temperature": math.nan}, "`temperature` must be at least 0. Received: temperature=nan"),
        (interpolate_run, {"temperature": -0.5}, "`temperature` must be at least 0. Received: temperature=-0.5"),
        (interpolate_run, {"seed": -1}, "`seed` must be at least 0. Received: seed=-1"),
    ],
)
@pytest.mark.usefixtures("nothing_is_read")
def test_an_argument_that_cannot_be_is_refused_before_any_work(command, arguments, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        command(_idle(tmp_path / "run"), **arguments)


@pytest.mark.parametrize(
    ("name", "config", "message"),
    [
        ("digits_classifier", {}, "Classifiers have no options of evaluation. Received: num_terms"),
        ("toy_flow", {"data": {"bins": None}}, "Points have no options of evaluation. Received: num_terms"),
    ],
)
@pytest.mark.usefixtures("nothing_is_read")
def test_a_protocol_for_another_run_is_refused_before_any_work(name, config, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        evaluate_run(_idle(tmp_path / "run", name, **config), num_terms=3)


@pytest.mark.parametrize("command", [certify_run, evaluate_run, interpolate_run, reconstruct_run, sample_run])
def test_a_folder_without_a_run_is_refused(command, tmp_path):
    with pytest.raises(ValueError, match="`run` must be a run folder"):
        command(tmp_path)


def test_at_the_limit_a_number_is_taken():
    check_at_least(0, temperature=0.0)
    check_at_least(1, n=None)
