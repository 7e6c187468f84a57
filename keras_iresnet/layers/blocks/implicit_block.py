"""x + g1(x) = z + g2(z): the block of implicit normalizing flows."""

from typing import Any, Self

import keras

from keras_iresnet.layers.blocks.residual_block import InvertibleResidualBlock
from keras_iresnet.layers.composed.chain import Chain
from keras_iresnet.layers.composed.inverse import Inverse
from keras_iresnet.layers.invertible import check_layer
from keras_iresnet.ops.fixed_point import DEFAULT_MAX_STEPS
from keras_iresnet.ops.log_det import LogDetEstimator


@keras.saving.register_keras_serializable(package="keras_iresnet")
class ImplicitBlock(Chain):
    """z with x + g1(x) = z + g2(z): a residual block, then the inverse of another.

    Both directions are solved by fixed points, and the Jacobian may be large as well as small:

        log|det dz/dx| = log|det(I + J1(x))| - log|det(I + J2(z))|,
        Lip(F) <= (1 + L1) / (1 - L2),        Lip(F^-1) <= (1 + L2) / (1 - L1)

    Args:
        branch_x: g1, a contractive branch, as for `InvertibleResidualBlock`.
        branch_z: g2, another one.
        estimator: of both log-determinants.
        tolerance: relative residual at which fixed points stop; `None` takes 16 roundings of the dtype.
        max_steps: bound on the steps of a fixed point.
        remat: whether the backward pass computes branches once more, see `InvertibleResidualBlock`.

    Raises:
        ValueError: a branch is no Keras layer.

    Reference: Lu et al., Implicit Normalizing Flows, ICLR 2021 (arXiv:2103.09527), equations 4 and 7.

    Example:
    >>> import keras_iresnet as ki
    >>> import tensorflow as tf
    >>> block = ki.layers.ImplicitBlock(ki.layers.DenseBranch((8,)), ki.layers.DenseBranch((8,)))
    >>> x = tf.random.normal((3, 2))
    >>> bool(tf.reduce_max(abs(block.inverse(block(x)) - x)) < 1e-4)
    True
    """

    def __init__(
        self,
        branch_x: keras.layers.Layer,
        branch_z: keras.layers.Layer,
        *,
        estimator: LogDetEstimator | None = None,
        tolerance: float | None = None,
        max_steps: int = DEFAULT_MAX_STEPS,
        remat: bool = False,
        **kwargs: Any,
    ) -> None:
        check_layer("branch_x", branch_x)
        check_layer("branch_z", branch_z)
        options: dict[str, Any] = {
            "estimator": estimator,
            "tolerance": tolerance,
            "max_steps": max_steps,
            "remat": remat,
            "dtype": kwargs.get("dtype"),
        }
        first = InvertibleResidualBlock(branch_x, name="block_x", **options)
        second = InvertibleResidualBlock(branch_z, name="block_z", **options)
        super().__init__([first, Inverse(second, name="inverse", dtype=kwargs.get("dtype"))], **kwargs)
        self.branch_x, self.branch_z = branch_x, branch_z
        self.estimator, self.remat = first.estimator, remat
        self.tolerance, self.max_steps = tolerance, max_steps

    def get_config(self) -> dict[str, Any]:
        """JSON only."""
        config = super().get_config()
        del config["layers"]
        parts = {name: getattr(self, name) for name in ("branch_x", "branch_z", "estimator")}
        return {
            **config,
            **{name: keras.saving.serialize_keras_object(part) for name, part in parts.items()},
            "tolerance": self.tolerance,
            "max_steps": self.max_steps,
            "remat": self.layers[0].remat,  # which a recipe may set afterwards
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Rebuild the branches and the estimator from their configs."""
        parts = ("branch_x", "branch_z", "estimator")
        return cls(**{**config, **{name: keras.saving.deserialize_keras_object(config[name]) for name in parts}})
