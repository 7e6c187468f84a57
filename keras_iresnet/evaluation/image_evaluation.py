"""What an evaluation of images found."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True)
class ImageEvaluation:
    """Mean bits/dim over images; the squares of the three standard errors add up to that of the whole.

    Args:
        mean: bits/dim.
        standard_error: of the mean, from all that is random.
        image_standard_error: what the choice of the images brings; only more images make it smaller.
        dequantization_standard_error: what the draws of the dequantization noise bring.
        probe_standard_error: what the random probes of the log-determinant bring; 0 where it is exact.
        bias_bound: bits/dim that the cut series can be off, proved; 0 where the log-determinant is exact, infinite
            where some branch has no certified bound below 1, or a layer other than a block estimates at random.
        num_terms: of the series, the mean of blocks and batches where each found its own; `None` where it is exact.
        num_probes: of each image, in all; 0 where it is exact.
        num_noises: draws of dequantization noise of each image.
        num_products: products with a block's Jacobian or its transpose, of each image in all blocks, the pilot's
            among them; `None` where they are not counted, as for an exact log-determinant.
        images: how many.
        dimension: D of one image.
        bins: values of one pixel, which bits/dim refer to.
        estimator: how log-determinants were taken.
        dequantization: how noise was drawn. Bits/dim of `"uniform"` noise are those of its density; those of
            `"variational"` noise the expectation of a bound. Both are at least the bits of the images themselves.
    """

    mean: float
    standard_error: float
    image_standard_error: float
    dequantization_standard_error: float
    probe_standard_error: float
    bias_bound: float
    num_terms: float | None
    num_probes: int
    num_noises: int
    num_products: float | None
    images: int
    dimension: int
    bins: int
    estimator: str
    dequantization: str = "uniform"

    @property
    def is_bound(self) -> bool:
        """Whether the mean is a variational bound, not the bits of uniform noise."""
        return self.dequantization == "variational"

    def __str__(self):
        bias = "no certified bias bound" if math.isinf(self.bias_bound) else f"bias at most {self.bias_bound:.1e}"
        parts = (self.image_standard_error, self.dequantization_standard_error, self.probe_standard_error)
        images, noise, probes = (f"{part:.1e}" for part in parts)
        products = "" if self.num_products is None else f", {self.num_products:.0f} products an image"
        return (
            f"{'At most ' * self.is_bound}{self.mean:.4f} ± {self.standard_error:.4f} bits/dim"
            f"{' by a variational bound' * self.is_bound} (images {images}, noise {noise}, probes {probes}; "
            f"{bias}; {self.estimator}{products})"
        )
