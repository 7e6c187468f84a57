"""How the proved error of an inverse loosens with depth and coeff: `python scripts/error_bounds.py`."""

import numpy as np

import keras_iresnet as ki
from keras_iresnet import data


def run(coeff, depths=(1, 4, 16), steps=100, examples=1000, seed=0):
    """Train a flow of points, and invert its first blocks there where data go; the worst example, a row for each depth.

    Args:
        coeff: of the layers, three of them in a branch.
        depths: numbers of blocks, each with an ActNorm before and behind.
        steps: of training.
        examples: points that are taken there and back.
        seed: of the weights.
    """
    points = next(iter(data.load("toy/8gaussians").train.batch(200 * steps))).numpy()
    flow = ki.zoo.toy_flow(blocks=max(depths), units=(32, 32), coeff=coeff, seed=seed)
    flow.compile("adam")
    flow.fit(points, batch_size=200, epochs=1, verbose=0)
    ki.contract(flow)
    for depth in depths:
        first = ki.layers.Chain(flow.layer.layers[: 2 * depth + 1])
        first.build((None, 2))
        report = first.inverse_and_report(first(points[:examples]), errors=True)[1]
        row = {"coeff": coeff, "blocks": depth, "Lip(F^-1)": first.lipschitz_bounds().inverse}
        errors = {"estimate": report.error_estimate, "bound": report.error_bound}
        yield row | {name: float(np.max(values)) for name, values in errors.items()}


if __name__ == "__main__":
    print("| coeff | blocks | Lip(F^-1) <= | error_estimate | error_bound |\n|---|---|---|---|---|")
    for coeff in (0.7, 0.9, 0.98):
        for row in run(coeff):
            print("| " + " | ".join(f"{value:.2g}" for value in row.values()) + " |", flush=True)
