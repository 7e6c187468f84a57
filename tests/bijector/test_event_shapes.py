import numpy as np
import pytest
import tensorflow as tf
from bijector_case import data, normal, tfd


@pytest.mark.parametrize("batch", [(), (3,), (2, 0), (2, 1, 3)])
def test_batches_of_any_rank(points, images, batch):
    for bijector, event, latent in [(points, (2,), (2,)), (images, (4, 4, 1), (16,))]:
        x = data(*batch, *event)
        y = bijector.forward(x)
        assert y.shape == (*batch, *latent)
        assert bijector.inverse(tf.identity(y)).shape == x.shape
        assert bijector.forward_log_det_jacobian(x).shape == bijector.inverse_log_det_jacobian(y).shape == batch


def test_batch_entries_do_not_mix(images):
    x = data(2, 3, 4, 4, 1)
    one_by_one = [[images.forward(image) for image in row] for row in x]
    np.testing.assert_allclose(images.forward(x), one_by_one, rtol=1e-12)


def test_event_shapes_are_known_statically_and_as_tensors(images):
    assert images.forward_min_event_ndims == 3
    assert images.inverse_min_event_ndims == 1
    assert images.forward_event_shape((5, 4, 4, 1)) == (5, 16)
    assert images.inverse_event_shape((5, 16)) == (5, 4, 4, 1)
    assert images.forward_event_shape(tf.TensorShape(None)) == (16,)
    assert images.forward_event_shape_tensor(tf.constant([5, 4, 4, 1])).numpy().tolist() == [5, 16]
    assert images.inverse_event_shape_tensor(tf.constant([5, 16])).numpy().tolist() == [5, 4, 4, 1]


@pytest.mark.parametrize("shape", [None, (None, None), (None, 2), (3, None, 2)])
def test_shapes_known_only_when_run(points, shape):
    there_and_back = tf.function(
        lambda x: (points.forward(x), points.forward_log_det_jacobian(x), points.inverse(x)),
        input_signature=[tf.TensorSpec(shape, tf.float64)],
        autograph=False,
    )
    x = data(3, 4, 2) if shape is None or len(shape) == 3 else data(3, 2)
    results = there_and_back(x)
    expected = points.forward(x), points.forward_log_det_jacobian(x), points.inverse(x)
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)


def test_event_that_does_not_fit_is_refused(points, images):
    with pytest.raises(ValueError, match=r"shape \(2,\). Received: shape=\(5, 3\)"):
        points.forward(data(5, 3))
    with pytest.raises(ValueError, match=r"shape \(16,\). Received: shape=\(4, 4\)"):
        images.inverse(data(4, 4))
    with pytest.raises(ValueError, match=r"shape \(4, 4, 1\). Received: shape=\(4, 1\)"):
        images.forward(data(4, 1))
    with pytest.raises(ValueError, match=r"shape \(2,\). Received: shape=\(5, 3\)"):
        tfd.TransformedDistribution(normal(3), points).log_prob(data(5, 3))


def test_event_that_turns_out_not_to_fit_stops_the_graph(points):
    forward = tf.function(points.forward, input_signature=[tf.TensorSpec(None, tf.float64)], autograph=False)
    with pytest.raises(tf.errors.InvalidArgumentError, match="An event must have shape"):
        forward(data(2, 4))
