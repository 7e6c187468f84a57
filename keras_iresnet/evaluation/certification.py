"""A certificate every few epochs: whether what trains is still proved invertible, and what to do where it is not."""

import math
from typing import Any

import keras
import tensorflow as tf

from keras_iresnet.evaluation.certificate import Certificate, certify
from keras_iresnet.evaluation.contraction import contract
from keras_iresnet.ops.bounds.conv_bounds import DEFAULT_BUDGET_S
from keras_iresnet.ops.log_det import check_count

ACTIONS = ("report", "stop", "contract")


class Certification(keras.callbacks.Callback):
    """A Keras callback that certifies the model as it trains, every few epochs.

    The history has `certified_lipschitz`, the largest bound of a block, and NaN in epochs without one, so that a table
    has a number in each row. TensorBoard has it too, the worst block as a text, and after a contraction the bound that
    was reached and how many kernels were scaled.

    Args:
        every: epochs from one certificate to the next.
        action: where some block has no bound below 1: `"report"` it, `"stop"` training after this epoch, or
            `"contract"` the kernels above their share, see `contract`.
        writer: a `tf.summary` writer, or `None`.
        budget_s: as for `certify`, each time.

    Attributes:
        certificate: the latest `Certificate`, after a contraction; `None` before the first.

    Raises:
        ValueError: `every` is no number of epochs, or there is no such action.

    Example:
    >>> import keras, numpy as np
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.evaluation import Certification
    >>> flow = ki.zoo.toy_flow(blocks=1, units=(8,), seed=0)
    >>> flow.compile(keras.optimizers.Adam(0.01))
    >>> points = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    >>> history = flow.fit(points, batch_size=50, epochs=2, callbacks=[Certification(action="contract")], verbose=0)
    >>> max(history.history["certified_lipschitz"]) < 1
    True
    """

    def __init__(
        self,
        *,
        every: int = 1,
        action: str = "report",
        writer: tf.summary.SummaryWriter | None = None,
        budget_s: float = DEFAULT_BUDGET_S,
    ) -> None:
        super().__init__()
        check_count("every", every)
        if action not in ACTIONS:
            raise ValueError(f"`action` must be one of {', '.join(ACTIONS)}. Received: action={action!r}")
        self.every, self.action, self.writer, self.budget_s = every, action, writer, budget_s
        self.certificate: Certificate | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: D102
        logs = {} if logs is None else logs
        logs["certified_lipschitz"] = math.nan
        if (epoch + 1) % self.every:
            return
        found = self.certificate = certify(self.model, budget_s=self.budget_s)
        logs["certified_lipschitz"] = found.bound
        done = None if found.invertible else self._act()
        if self.writer is not None:
            with self.writer.as_default(step=epoch):
                _write(found, done)

    def _act(self):
        """Do what was asked for; the `Contraction`, if that is it."""
        if self.action == "stop":
            self.model.stop_training = True
        if self.action != "contract":
            return None
        done = contract(self.model, budget_s=self.budget_s)
        self.certificate = done.certificate
        return done


def _write(found, done):
    tf.summary.scalar("certified_lipschitz", found.bound)
    if found.blocks:
        tf.summary.text("worst_block", str(max(found.blocks, key=lambda block: block.lip)))
    if done is not None:
        tf.summary.scalar("contracted_lipschitz", done.certificate.bound)
        tf.summary.scalar("contracted_kernels", len(done.scaled))
