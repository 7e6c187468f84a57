import numpy as np
import pytest
import small_flows
import tensorflow as tf

import keras_iresnet as ki

GOOD = small_flows.images(16)


def with_one(value, dtype="float32"):
    x = ((GOOD + 0.5) / 5).astype(dtype) if np.issubdtype(dtype, np.floating) else GOOD.astype(dtype)
    x[5, 2, 1, 0] = value
    return x


BAD_IMAGES = {
    "NaN": (with_one(np.nan), r"must be finite. Received: 1 other values, the first nan in example 5 at \(2, 1, 0\)"),
    "infinity": (with_one(np.inf), r"must be finite. Received: 1 other values, the first inf in example 5"),
    "integer above the bins": (
        with_one(5, "uint8"),
        r"must lie in \[0, bins\) with bins=5. Received: 1 other values, the first 5 in example 5 at \(2, 1, 0\)",
    ),
    "negative integer": (with_one(-1, "int64"), r"must lie in \[0, bins\) with bins=5. .* first -1 in example 5"),
    "no channels": (GOOD[..., 0], r"must have shape \(batch, 4, 4, 1\). Received: shape=\(16, 4, 4\)"),
    "no batch": (GOOD[0], r"must have shape \(batch, 4, 4, 1\). Received: shape=\(4, 4, 1\)"),
    "another size": (GOOD[:, :3], r"must have shape \(batch, 4, 4, 1\). Received: shape=\(16, 3, 4, 1\)"),
    "booleans": (GOOD > 2, "must be integer images or floats in data space. Received: dtype=bool"),
    "floats of integer size": (
        GOOD.astype("float32") * 50,
        r"must lie in \[0, 1\]; .* Received: \d+ other values, the first 50.0",
    ),
}


@pytest.fixture(scope="module")
def flow():
    flow = small_flows.image_flow()
    flow.compile("adam")
    return flow


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_fit_refuses_bad_arrays_before_anything_is_trained(flow, name):
    x, message = BAD_IMAGES[name]
    before = [weight.numpy() for weight in flow.trainable_variables]
    with pytest.raises(ValueError, match=message):
        flow.fit(x, verbose=0)
    assert int(flow.optimizer.iterations) == 0
    assert not flow.initialized
    for old, weight in zip(before, flow.trainable_variables, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


@pytest.mark.parametrize("name", ["NaN", "another size"])
def test_fit_refuses_bad_validation_data_before_anything_is_trained(flow, name):
    x, message = BAD_IMAGES[name]
    for validation in (x, (x,)):
        with pytest.raises(ValueError, match=message):
            flow.fit(GOOD, validation_data=validation, verbose=0)
    assert not flow.initialized


@pytest.mark.parametrize("name", BAD_IMAGES)
def test_log_prob_refuses_them_too(flow, name):
    x, message = BAD_IMAGES[name]
    with pytest.raises(ValueError, match=message):
        flow.log_prob(x, seed=1)
    with pytest.raises(ValueError, match=message):
        flow.initialize(x)


@pytest.mark.parametrize("method", ["evaluate", "predict"])
@pytest.mark.parametrize("name", ["NaN", "integer above the bins", "no channels"])
def test_evaluate_and_predict_refuse_them_too(flow, method, name):
    x, message = BAD_IMAGES[name]
    with pytest.raises(ValueError, match=message):
        getattr(flow, method)(x, verbose=0)


@pytest.mark.parametrize("name", ["no channels", "another size", "booleans"])
def test_data_set_of_another_kind_is_refused_by_its_specification(flow, name):
    x, message = BAD_IMAGES[name]
    data = tf.data.Dataset.from_tensor_slices(x).batch(4)
    message = message.split(" Received")[0]
    for method in (flow.fit, flow.evaluate, flow.predict):
        with pytest.raises(ValueError, match=message):
            method(data, verbose=0)


@pytest.mark.parametrize("name", ["NaN", "integer above the bins"])
def test_bad_element_of_a_pipeline_stops_the_training(name):
    # The first batch, from which the model is initialised, is good: the compiled step has to notice.
    x = BAD_IMAGES[name][0]
    flow = small_flows.image_flow()
    flow.compile("adam")
    flow.initialize(x[:4])
    data = tf.data.Dataset.from_tensor_slices(x).batch(4)
    known = (
        r"^(Images of floats must lie in \[0, 1\]|Integer images must lie in \[0, bins\)).*Received: a batch of which"
    )
    for method in (flow.fit, flow.evaluate, flow.predict):
        with pytest.raises(ValueError, match=known):
            method(data, verbose=0)
    assert all(np.isfinite(weight.numpy()).all() for weight in flow.trainable_variables)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch", "predict_on_batch"])
def test_a_bad_batch_is_told_with_what_is_bad_in_it(method):
    flow = small_flows.image_flow()
    flow.compile("adam")
    flow.initialize(GOOD)
    before = [weight.numpy() for weight in flow.trainable_variables]
    x, message = BAD_IMAGES["NaN"]
    with pytest.raises(ValueError, match=message):
        getattr(flow, method)(x)
    for old, weight in zip(before, flow.trainable_variables, strict=True):
        np.testing.assert_array_equal(weight.numpy(), old)


def test_bad_element_of_a_pipeline_stops_the_initialisation(flow):
    data = tf.data.Dataset.from_tensor_slices(BAD_IMAGES["NaN"][0]).batch(4)
    with pytest.raises(ValueError, match="must be finite"):
        flow.fit(data, verbose=0)


def test_integers_are_refused_where_no_bins_are_declared():
    flow = small_flows.point_flow()
    message = "must be floats, since `bins` is None. Received: dtype=int64"
    for call in (flow.log_prob, flow.initialize, flow.fit):
        with pytest.raises(ValueError, match=message):
            call(np.zeros((3, 2), "int64"))


def test_all_values_of_a_byte_are_good_for_256_bins():
    flow = ki.Flow(ki.layers.Chain([]), (2,), bins=256)
    assert np.isfinite(flow.log_prob(np.array([[0, 255]], "uint8"), seed=1)).all()
    with pytest.raises(ValueError, match=r"\[0, bins\) with bins=256"):
        flow.log_prob(np.array([[0, 256]], "int32"), seed=1)


@pytest.mark.parametrize("bins", [1, 0, 2.0, "256"])
def test_bad_bins_are_refused(bins):
    with pytest.raises(ValueError, match=f"`bins` must be an integer of at least 2, or None. Received: bins={bins!r}"):
        ki.Flow(ki.layers.Chain([]), (2,), bins=bins)


@pytest.mark.parametrize("first", [[], [ki.layers.Center()], [ki.layers.Squeeze()]])
def test_pixels_from_0_to_255_are_not_taken_for_data_whatever_the_first_layer(first):
    x = np.random.default_rng(0).uniform(0, 255, (16, 4, 4, 1)).astype("float32")
    flow = ki.Flow(ki.layers.Chain(first), (4, 4, 1), bins=256)
    flow.compile("adam", run_eagerly=True)
    data = tf.data.Dataset.from_tensor_slices(x).batch(8)
    for ask in (flow.fit, flow.evaluate, flow.predict, flow.log_prob, flow.initialize, flow.forward):
        with pytest.raises(ValueError, match=r"must lie in \[0, 1\]; integers are given as integers"):
            ask(x)
    for ask in (flow.fit, flow.evaluate):
        with pytest.raises(ValueError, match=r"must lie in \[0, 1\]"):
            ask(data, verbose=0)
    assert flow.log_prob(flow.sample(8, seed=1)).shape == (8,)  # which may lie beyond [0, 1]


@pytest.mark.parametrize("steps", [255, 256])
def test_images_divided_by_255_are_refused(steps):
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4, 1), dtype=np.uint8)
    flow = ki.Flow(ki.layers.Chain([ki.layers.Squeeze()]), (4, 4, 1), bins=256)
    flow.compile("adam", run_eagerly=True)
    x = (images / steps).astype("float32")
    message = rf"give integers, or `flow.to_data\(images\)`\. Received: \d+ distinct values, all multiples of 1/{steps}"
    for given in (x, x.astype("float64"), tf.data.Dataset.from_tensor_slices(x).batch(4)):
        for ask in (flow.fit, flow.evaluate):
            with pytest.raises(ValueError, match=message):
                ask(given, verbose=0)
    assert flow.evaluate(flow.to_data(images, seed=0), verbose=0, return_dict=True)["bits_per_dim"] > 0
    flow.evaluate(np.zeros((2, 4, 4, 1), "float32"), verbose=0)  # one value says nothing


def test_a_data_set_of_dictionaries_is_refused_by_its_keys(flow):
    data = tf.data.Dataset.from_tensor_slices({"image": GOOD, "label": np.zeros(16)}).batch(4)
    for x in (data, (batch for batch in data)):
        with pytest.raises(ValueError, match=r"batch\['image'\].*Received: a dictionary of 'image', 'label'"):
            flow.fit(x, verbose=0)


def test_train_on_batch_initialises_as_fit_does():
    flow = small_flows.image_flow(seed=1)
    flow.compile("adam", run_eagerly=True)
    flow.train_on_batch(GOOD)
    assert flow.initialized
    assert flow.layer.layers[2].initialized.numpy()
    with pytest.raises(ValueError, match="at least 2 examples"):
        small_flows.image_flow().initialize(GOOD[:1])


@pytest.mark.parametrize("temperature", [np.nan, np.inf, -1.0, np.float32("nan")])
def test_a_temperature_that_cannot_be_is_refused(flow, temperature):
    with pytest.raises(ValueError, match=r"`temperature` must be at least 0 and finite\. Received: temperature="):
        flow.sample(2, temperature=temperature)


def test_samples_are_the_same_however_they_are_compiled():
    flow = ki.Flow(ki.layers.Chain([ki.layers.ActNorm()]), (2,), prior=ki.priors.DiagonalNormal())
    compiled = tf.function(lambda: flow.sample(5, 1, on_failure="ignore"), jit_compile=True)
    np.testing.assert_allclose(compiled(), flow.sample(5, 1), atol=1e-4)


def test_a_hybrid_of_given_classes_is_refused():
    with pytest.raises(ValueError, match=r"`condition_size` must be none: .* Received: condition_size=10"):
        ki.Hybrid(ki.layers.Chain([]), (4, 4, 1), 10, bins=5, condition_size=10)


@pytest.mark.parametrize("make", [small_flows.image_flow, small_flows.point_flow])
def test_no_examples_have_no_densities_and_no_samples_are_drawn(make):
    flow = make(seed=1)
    none = np.zeros((0, *flow.event_shape), "uint8" if flow.bins else "float32")
    assert flow.log_prob(none, seed=1).shape == (0,)
    for count in (0, 5, 0):  # also of a flow that has compiled its inverse for another number
        assert flow.sample(count, seed=1).shape == (count, *flow.event_shape)
    flow.compile("adam", run_eagerly=True)
    for ask in (flow.fit, flow.evaluate):
        with pytest.raises(ValueError, match=r"There must be examples\. Received: shape=\(0, "):
            ask(none, verbose=0)
