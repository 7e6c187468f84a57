"""The keyword `log_det` of builders, and as a field of runs."""

import pytest

import keras_iresnet as ki
from keras_iresnet.runs import resolve

SMALL = {"blocks": (1,), "channels": 4}
BUILDERS = {
    "digits_flow": SMALL,
    "mnist_flow_small": SMALL | {"dense_blocks": 1, "prior_components": 1},
    "tabular_flow": {"features": 40, "blocks": 1},
    "toy_flow": {"blocks": 1},
    "hybrid_classifier": SMALL,
}


def estimators(model):
    return {layer.estimator for layer in model._flatten_layers() if hasattr(layer, "estimator")}


@pytest.mark.parametrize("name", BUILDERS)
def test_builders_take_a_name_or_an_estimator(name):
    build = ki.zoo.get(name).builder
    known = {
        "series": ki.SeriesLogDet(
            ki.zoo.get(name).builder.__kwdefaults__["num_terms"] if name == "tabular_flow" else 5
        ),
        "roulette": ki.RouletteLogDet(),
        "exact": ki.ExactLogDet(),
    }
    if name == "mnist_flow_small":
        known["series"] = ki.SeriesLogDet(9)
    for log_det, expected in known.items():
        assert estimators(build(**BUILDERS[name], log_det=log_det)) == {expected}
    own = ki.RouletteLogDet(3, 0.95)
    assert estimators(build(**BUILDERS[name], log_det=own)) == {own}


def test_tables_are_exact_up_to_32_columns():
    assert estimators(ki.zoo.tabular_flow(32, blocks=1)) == {ki.ExactLogDet()}
    assert estimators(ki.zoo.tabular_flow(33, blocks=1)) == {ki.SeriesLogDet(8)}


@pytest.mark.parametrize("log_det", ["poisson", None, 5])
def test_what_is_no_estimator_is_refused(log_det):
    message = r"`log_det` must be one of \('series', 'mixed_series', .*\), or an estimator. Received: log_det="
    with pytest.raises(ValueError, match=message):
        ki.zoo.digits_flow(log_det=log_det, **SMALL)


def test_runs_take_the_name():
    settings = resolve("digits_flow", {"log_det": "roulette", "blocks": "1", "channels": "4"})
    assert settings.options()[:2] == ["--log-det", "roulette"]
    assert estimators(settings.build()) == {ki.RouletteLogDet()}
    with pytest.raises(ValueError, match="`log_det` must be of type str"):
        resolve("digits_flow", {"log_det": 5})
