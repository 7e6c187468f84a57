"""A flow in half, single and double precision."""

import numpy as np
import oracles
import pytest
import small_flows
import tensorflow as tf

import keras_iresnet as ki
from keras_iresnet.layers import ActNorm, Chain


class TestPrecision:
    def test_mixed_precision_is_trained_and_keeps_its_stream(self):
        flow = small_flows.in_precision("mixed_bfloat16", small_flows.image_flow)
        flow.compile("adam")
        history = flow.fit(small_flows.images(), batch_size=32, verbose=0).history
        assert np.isfinite(history["loss"]).all()
        images = small_flows.images(8)
        for values in (flow.log_prob(images), flow(images), flow.sample(2, seed=1), flow.to_data(images)):
            assert values.dtype == tf.float32
        assert {weight.dtype for weight in flow.trainable_variables} == {"float32"}

    def test_double_precision_is_kept_throughout(self, trained):
        flow, _ = trained
        images = small_flows.images(8)
        for values in (flow.log_prob(images), flow(images), flow.sample(2, seed=1), flow.to_data(images)):
            assert values.dtype == tf.float64
        assert {weight.dtype for weight in flow.trainable_variables} == {"float64"}

    def test_mixed_precision_is_evaluated_as_float32(self):
        mixed = small_flows.in_precision("mixed_bfloat16", small_flows.image_flow)
        oracles.leave_identity(mixed)
        full = small_flows.image_flow()
        full.set_weights(mixed.get_weights())
        images = small_flows.images(8)
        evaluated, reference = mixed.log_prob(images, seed=1), full.log_prob(images, seed=1)
        np.testing.assert_allclose(evaluated, reference, rtol=1e-5)
        in_training = mixed.log_prob(images, seed=1, training=True)
        assert 1e-5 < np.abs(in_training - reference).max() < 0.02 * np.abs(reference).max()

    def test_layers_of_another_precision_are_refused(self):
        with pytest.raises(
            ValueError, match=r"must have the precision of what holds them, float32. Received: act_norm"
        ):
            ki.Flow(Chain([ActNorm(dtype="float64")]), (2,))
