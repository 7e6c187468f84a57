import pytest
import rich.console

import keras_iresnet as ki
from keras_iresnet import data
from keras_iresnet.layers.spectral.spectral_layer import SpectralLayer
from keras_iresnet.runs import RunFolder
from keras_iresnet.runs.tasks import task_of
from keras_iresnet.runs.tasks.guarantee import guarantee


def _guarantee(model, run, name):
    splits = data.load("digits", labels=name == "digits_classifier")
    return guarantee(model, splits, task=task_of(name, {}), run=run, seed=0, shown=rich.console.Console(quiet=True))


def _blind(model):
    """Estimates that are half of what they should be, of kernels far above their bound."""
    for layer in model._flatten_layers():
        if isinstance(layer, SpectralLayer):
            layer.kernel.assign(9 * layer.kernel)
            if layer.coeff is not None:
                layer.u.assign(0.5 * layer.u)
    return model


@pytest.mark.parametrize(
    ("name", "figure", "options"),
    [("digits_flow", "bits_per_dim", {}), ("digits_classifier", "error_percent", {"strides": (1,)})],
)
@pytest.mark.sweep(2)
def test_a_model_that_is_not_certified_is_contracted_and_the_cost_told(name, figure, options, tmp_path, monkeypatch):
    monkeypatch.setattr(SpectralLayer, "converge", lambda self: None)  # or saving would mend the estimates
    model = _blind(ki.zoo.get(name).builder(blocks=(1,), channels=4, seed=0, coeff=0.95, **options))
    run = RunFolder(tmp_path)
    figures = _guarantee(model, run, name)
    assert figures["certified"]
    assert 0.8 < figures["certified_lipschitz_bound"] <= 0.95**3
    assert 1 <= figures["contracted_kernels"] <= 3
    assert set(figures) >= {f"contraction_{figure}_change"}
    assert ki.certify(run.load_best()).bound == figures["certified_lipschitz_bound"]
    assert name != "digits_flow" or figures["contraction_bits_per_dim_change"] != 0


@pytest.mark.parametrize("options", [{}, {"coeff": None}])
def test_what_is_certified_or_promises_nothing_stays_as_it_is(options, tmp_path):
    model = ki.zoo.digits_classifier(blocks=(1,), channels=4, strides=(1,), seed=0, **options)
    model = _blind(model) if options else model
    before = model.get_weights()
    figures = _guarantee(model, RunFolder(tmp_path), "digits_classifier")
    assert figures == {"certified": not options, "certified_lipschitz_bound": ki.certify(model).bound}
    assert all((a == b).all() for a, b in zip(before, model.get_weights(), strict=True))
    assert not RunFolder(tmp_path).best.exists()
