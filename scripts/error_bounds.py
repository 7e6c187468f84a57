"""How the proved error of an inverse loosens with depth and coeff: `python scripts/error_bounds.py`."""

import numpy as np

import keras_iresnet as ki
from keras_iresnet import data


def run(coeffs=(0.7, 0.9, 0.98), depths=(1, 4, 8, 16, 32), steps=300, examples=1000, seed=0):
    """Train a flow of points for each coeff and depth, and invert samples' latents; the worst of them, a row a flow."""
    points = next(iter(data.load("toy/8gaussians").train.batch(10_000))).numpy()
    rows = []
    for coeff in coeffs:
        for blocks in depths:
            flow = ki.zoo.toy_flow(blocks=blocks, units=(32, 32), coeff=coeff, seed=seed)
            flow.compile("adam")
            flow.fit(points, batch_size=len(points) // steps, epochs=1, verbose=0)
            ki.contract(flow)
            report = flow.sample_and_report(examples, seed, errors=True)[1]
            errors = {"estimate": report.error_estimate, "bound": report.error_bound}
            row = {"coeff": coeff, "blocks": blocks, "Lip(F^-1)": flow.layer.lipschitz_bounds().inverse}
            rows.append(row | {name: float(np.max(values)) for name, values in errors.items()})
    return rows


if __name__ == "__main__":
    found = run()
    print("| " + " | ".join(found[0]) + " |")
    print("|" + "---|" * len(found[0]))
    for row in found:
        print("| " + " | ".join(f"{value:.2g}" for value in row.values()) + " |")
