"""A checkpoint must be of the kind of its run: of its task, and of examples of its shape."""

import re

import pytest
import small_classifiers
import small_flows

import keras_iresnet as ki
from keras_iresnet.commands import certify_run, evaluate_run, sample_run
from keras_iresnet.runs import RunFolder


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run")


def put(run, model, name, **more):
    """Make a run of a model of the zoo's name."""
    run.save(run.best, model)
    run.write_json(run.config, {"name": name, "builder": {}, "recipe": {"dataset": "digits", "seed": 0}} | more)


MODELS = {
    "toy_flow": lambda: small_flows.point_flow(seed=1),
    "digits_classifier": lambda: small_classifiers.classifier(),
    "hybrid_classifier": lambda: ki.zoo.hybrid_classifier(blocks=(1,), channels=4),
}


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", MODELS)
def test_a_checkpoint_of_another_task_is_refused(model, name, run):
    put(run, MODELS[model](), name)
    if name == model:
        assert type(run.load_best()) is type(MODELS[model]())
        return
    wanted = {"toy_flow": "Flow", "digits_classifier": "Classifier", "hybrid_classifier": "Hybrid"}[name]
    with pytest.raises(
        ValueError, match=rf"must hold a {wanted}, .* one of {name}\. Received: {re.escape(str(run.best))}"
    ):
        run.load_best()


def test_a_checkpoint_of_other_examples_is_refused_by_all_commands(run):
    put(run, small_flows.point_flow(seed=1), "digits_flow", data={"event_shape": [8, 8, 1], "bins": 17})
    for command in (certify_run, evaluate_run, sample_run):
        with pytest.raises(
            ValueError, match=r"examples of shape \(8, 8, 1\), .*best\.keras, of examples of shape \(2,\)"
        ):
            command(run.path)


def test_a_checkpoint_of_other_classes_is_refused_by_evaluate(run):
    put(run, ki.zoo.image_classifier((8, 8, 1), 3, bins=17, blocks=(1,), channels=4), "digits_classifier")
    with pytest.raises(
        ValueError, match=r"must have the 3 classes of this model\. Received: .*'digits', of 10 classes"
    ):
        evaluate_run(run.path)


def test_a_model_of_ones_own_that_is_not_registered_is_taken_as_it_is(run):
    put(run, small_flows.point_flow(seed=1), "my_own_flow")
    assert isinstance(run.load_best(), ki.Flow)
