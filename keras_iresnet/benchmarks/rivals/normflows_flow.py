"""The flow of a `Workload` built of normflows' parts (PyTorch), with its own training step and inverse."""

import importlib.util
import math
from typing import Any

import numpy as np

from keras_iresnet.benchmarks.workload import Workload

MISSING = "normflows (PyTorch) is not installed: `pip install normflows`"


def is_installed() -> bool:
    """Whether normflows can be imported; it is not, until it is asked for."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "normflows"))


class NormflowsFlow:
    """Squeezes, ActNorm, `normflows.flows.Residual` blocks and halves of channels that leave, as `build_flow` has them.

    The branches are normflows' own normalised convolutions with ELU between them, so that the arithmetic is ours; all
    else is normflows' default: its truncated series with as many terms, its inverse, its Adamax of PyTorch. Its norms
    are advanced by one power iteration a step, as its manual asks of a training loop. It is on a GPU where PyTorch
    has one, which multiplies float32 as float32, as ours does.

    Args:
        workload: its sizes.
        seed: of the weights.
    """

    def __init__(self, workload: Workload, seed: int = 0) -> None:
        import torch

        torch.manual_seed(seed)
        torch.backends.cudnn.allow_tf32 = False
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.workload = workload
        self.scales: Any = torch.nn.ModuleList(
            torch.nn.ModuleList(part for _ in range(count) for part in _block(workload, 3 * 2 ** (scale + 2)))
            for scale, count in enumerate(workload.blocks)
        )
        self.scales.append(torch.nn.ModuleList([_act_norm(3 * 2 ** (len(workload.blocks) + 1))]))
        self.scales.to(self.device)

    @property
    def blocks(self) -> list[Any]:
        """The residual blocks, first to last."""
        import normflows

        return [part for part in self.scales.modules() if isinstance(part, normflows.flows.Residual)]

    def tensor(self, x: np.ndarray) -> Any:
        """An array where the weights are."""
        import torch

        return torch.tensor(x, device=self.device)

    def fill(self, coeff: float) -> None:
        """Make every norm the bound itself: kernels times three, power iterations converged."""
        import torch
        from normflows.nets.lipschitz import InducedNormConv2d

        for part in self.scales.modules():
            if isinstance(part, InducedNormConv2d):
                with torch.no_grad():
                    part.weight.normal_(0, 1)
                part.coeff = coeff
                part.compute_weight(update=True, n_iterations=200)

    def forward(self, x: Any) -> tuple[Any, Any]:
        """x (batch, channels, height, width) -> latents (batch, D) and nats (batch,)."""
        import torch

        log_det, leaving = torch.zeros(len(x), device=self.device), []
        *scales, last = self.scales
        for index, scale in enumerate(scales):
            x = torch.nn.functional.pixel_unshuffle(x, 2)
            for part in scale:
                x, own = part.inverse(x)  # normflows' direction: `inverse` goes from data to latents
                log_det = log_det + own
            if index + 1 < len(scales):
                away, x = x.chunk(2, 1)
                leaving.append(away.flatten(1))
        for part in last:
            x, own = part.inverse(x)
            log_det = log_det + own
        return torch.cat([*leaving, x.flatten(1)], 1), log_det

    def inverse(self, z: Any) -> Any:
        """Latents (batch, D) -> x, without log-determinants; where its blocks stop is normflows' own."""
        import torch

        *scales, last = self.scales
        side, channels, shapes = self.workload.size // 2, 12, []
        for _ in scales:
            shapes.append((channels, side, side))
            side, channels = side // 2, 2 * channels
        x = z[:, -math.prod(shapes[-1]) :].unflatten(1, shapes[-1])
        end = z.shape[1] - x[0].numel()
        for part in reversed(last):
            x = _undone(part, x)
        for index in reversed(range(len(scales))):
            for part in reversed(scales[index]):
                x = _undone(part, x)
            x = torch.nn.functional.pixel_shuffle(x, 2)
            if index:
                away = z[:, end - x[0].numel() : end].unflatten(1, x.shape[1:])
                x, end = torch.cat([away, x], 1), end - x[0].numel()
        return x

    def training_step(self) -> Any:
        """A function that takes one step on a batch of noise, and returns its loss."""
        import normflows
        import torch

        rng = np.random.default_rng(0)
        side = self.workload.size
        x = self.tensor(rng.random((self.workload.batch_size, 3, side, side), dtype=np.float32))
        self.scales.train()
        with torch.no_grad():
            self.forward(x)  # sets ActNorm
        optimizer = torch.optim.Adamax(self.scales.parameters(), 1e-4)

        def step() -> float:
            optimizer.zero_grad()
            z, log_det = self.forward(x)
            loss = (0.5 * z.square().sum(1) - log_det).mean()
            loss.backward()
            optimizer.step()
            normflows.utils.update_lipschitz(self.scales, 1)
            return float(loss.detach())

        return step


def _block(workload, channels):
    """ActNorm and a residual block."""
    import normflows
    import torch
    from normflows.nets.lipschitz import InducedNormConv2d

    sizes = (channels, workload.channels, workload.channels, channels)
    branch = []
    for inputs, outputs, side in zip(sizes[:-1], sizes[1:], (3, 1, 3), strict=True):
        branch.append(torch.nn.ELU())
        branch.append(InducedNormConv2d(inputs, outputs, side, 1, side // 2, coeff=0.9, n_iterations=1))
    residual = normflows.flows.Residual(torch.nn.Sequential(*branch), n_power_series=workload.num_terms)
    return _act_norm(channels), residual


def _undone(part, y):
    """The inverse of a part, without its log-determinant where that is much of the work."""
    return part.iresblock.inverse(y) if hasattr(part, "iresblock") else part.forward(y)[0]


def _act_norm(channels):
    import normflows

    return normflows.flows.ActNorm((channels, 1, 1))
