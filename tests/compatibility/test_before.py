"""Files and numbers of before the package was laid out anew: `write_before.py` wrote them, under the names of then."""

import importlib.util
import json
import pathlib
import shutil

import keras
import numpy as np
import pytest

import keras_iresnet as ki
from keras_iresnet.commands import evaluate_run, sample_run
from keras_iresnet.runs import RunFolder, train

BEFORE = pathlib.Path(__file__).with_name("before")
NUMBERS = json.loads((BEFORE / "numbers.json").read_text())

FLOW = {"blocks": (2, 2), "channels": 8, "activation": "elu"}
CASES = {
    "digits_flow": (ki.zoo.digits_flow, FLOW),
    "digits_flow_of_factors": (ki.zoo.digits_flow, {**FLOW, "prior_components": 3, "prior_factors": 2}),
    "digits_flow_with_fixed_prior": (ki.zoo.digits_flow, {**FLOW, "prior_components": 3, "trained_prior": False}),
    "digits_flow_conditional": (ki.zoo.digits_flow, {**FLOW, "conditional": True}),
    "digits_flow_standard": (ki.zoo.digits_flow, {**FLOW, "learned_prior": False}),
    "toy_flow": (ki.zoo.toy_flow, {"blocks": 3, "units": (16, 16)}),
    "digits_classifier": (ki.zoo.digits_classifier, {"blocks": (2, 2), "channels": 8}),
    "hybrid_classifier": (ki.zoo.hybrid_classifier, {"blocks": (2, 2), "channels": 8}),
}


@pytest.fixture(scope="module")
def written():
    """The script that wrote the files, for what it took as examples and outputs."""
    imported = {"keras_iresnet.training": type("Then", (), {"TerminatedError": None, "train": None})}
    spec = importlib.util.spec_from_file_location("write_before", BEFORE.with_name("write_before.py"))
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        for name, then in imported.items():
            patch.setitem(__import__("sys").modules, name, then)
        spec.loader.exec_module(module)
    return module


def assert_outputs(found, case, error):
    expected = NUMBERS[case]["outputs"]
    assert set(found) == set(expected)
    for name, value in found.items():
        value, wanted = np.asarray(value).ravel(), np.array(expected[name])
        np.testing.assert_allclose(value, wanted, rtol=0, atol=error * max(1, np.abs(wanted).max()), err_msg=name)


def test_every_case_that_was_written_is_read(written):
    assert set(CASES) == set(written.CASES) == set(NUMBERS)
    assert {path.stem for path in BEFORE.glob("*.keras")} == set(CASES)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.sweep(3)
def test_file_loads_with_its_optimizer_and_gives_the_same(case, written):
    model = keras.saving.load_model(BEFORE / f"{case}.keras")
    assert_outputs(written.outputs(model, case), case, 1e-5)
    assert int(model.optimizer.iterations) == 3
    moments = [variable.numpy() for variable in model.optimizer.variables[2:]]  # behind the step and the rate
    each = 1 if "classifier" in case else 2  # SGD's momentum; Adamax's moments
    assert len(moments) == each * len(model.trainable_variables)
    assert all(np.abs(moment).max() > 0 for moment in moments)


@pytest.mark.parametrize("case", ["digits_flow_of_factors", "hybrid_classifier"])
def test_file_goes_on_being_saved(case, written, tmp_path):
    keras.saving.load_model(BEFORE / f"{case}.keras").save(tmp_path / "again.keras")
    assert_outputs(written.outputs(keras.saving.load_model(tmp_path / "again.keras"), case), case, 1e-5)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.sweep(3)
def test_three_steps_of_training_give_the_same_numbers(case, written):
    builder, keywords = CASES[case]
    x, y = written.examples(case)
    model = builder(**keywords, seed=3)
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9) if "classifier" in case else "adamax")
    model.initialize(x)
    history = model.fit(x[:96], None if y is None else y[:96], batch_size=32, epochs=1, shuffle=False, verbose=0)
    found = {name: values[0] for name, values in history.history.items()}
    assert found == pytest.approx(NUMBERS[case]["history"], rel=1e-4)
    # Since then a step moves the points of `toy_flow` by shares of their own deviation, not of 1.
    assert_outputs(written.outputs(model, case), case, 5e-3 if case == "toy_flow" else 1e-3)


@pytest.fixture
def run(tmp_path, request):
    return shutil.copytree(BEFORE / request.param, tmp_path / "run")


@pytest.mark.parametrize("run", ["run"], indirect=True)
def test_run_is_evaluated_and_sampled(run, tmp_path):
    before = json.loads((run / "metrics.json").read_text())
    found = evaluate_run(run, max_passes=1, progress=False)  # as the run itself did
    assert found["test_bits_per_dim"] == pytest.approx(before["test_bits_per_dim"], rel=1e-3)
    assert sample_run(run, n=4, out=tmp_path / "samples.npy").is_file()


@pytest.mark.sweep(2)
@pytest.mark.parametrize(
    ("run", "ended"), [("interrupted_run", "run"), ("standard_interrupted_run", "standard_run")], indirect=["run"]
)
def test_interrupted_run_goes_on_to_the_same_end(run, ended):
    assert "total_seconds" not in RunFolder(run).read_metrics()
    found = train(resume=run, progress=False)
    whole = json.loads((BEFORE / ended / "metrics.json").read_text())
    assert found["steps"] == whole["steps"] == 15
    for name in ("best_validation_bits_per_dim", "test_bits_per_dim"):
        assert found[name] == pytest.approx(whole[name], rel=1e-3)
