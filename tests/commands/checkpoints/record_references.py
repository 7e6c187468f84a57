"""Writes `recorded/*.npz`: small models of the references' own code, with what they answer.

Each file holds a state dict, as PyTorch names and lays out its tensors, float32; images (n, channels, height, width);
the output of every block; latents or logits; log|det dF/dx| of the whole map by `slogdet` of the Jacobian; worked out
in float64 and kept in float32. The weights are drawn far from where training starts: norms above and below the bound,
scales and slopes that differ.

From the root of the repository, with PyTorch and SciPy, and clones of both references:

    git clone https://github.com/jhjacobsen/invertible-resnet && git -C invertible-resnet checkout 630e886
    git clone https://github.com/rtqichen/residual-flows && git -C residual-flows checkout 8170138
    python tests/commands/checkpoints/record_references.py invertible-resnet residual-flows

It was run with Python 3.11 and PyTorch 2.13. Nothing of the package is imported.
"""

import json
import pathlib
import sys

import numpy as np
import torch

OUT = pathlib.Path(__file__).parent / "recorded"
COEFF = 0.93  # of a layer: three of them leave Lip(g) at 0.8


def main(authors, residual_flows):
    # The references are of 2019: names that they import, and that have gone since. None of these is called here.
    sys.modules["torch.autograd.gradcheck"].zero_gradients = None  # type: ignore[attr-defined]
    sys.path[:0] = [authors, residual_flows]
    from models.conv_iResNet import conv_iResNet, multiscale_conv_iResNet
    from resflows.layers import LogitTransform
    from resflows.resflow import ResidualFlow

    OUT.mkdir(exist_ok=True)
    density = {"coeff": COEFF, "density_estimation": True, "n_power_iter": 40}
    colours, grey = (3, 8, 8), (1, 8, 8)
    record_authors(
        "authors_multiscale",
        multiscale_conv_iResNet(
            colours, [2, 2], [1, 2], [6, 4], init_squeeze=True, nClasses=3, nonlin="elu", **density
        ),
        colours,
    )
    record_authors(
        "authors_multiscale_bare",
        multiscale_conv_iResNet(
            grey, [1, 1], [2, 1], [5, 3], actnorm=False, learn_prior=False, nonlin="softplus", **density
        ),
        grey,
    )
    # Few steps of the power iteration: what is called normalised is not quite.
    record_authors(
        "authors_single",
        conv_iResNet(colours, [1, 2], [1, 2], [5, 3], nonlin="relu", **density | {"n_power_iter": 1}),
        colours,
        passes=3,
    )
    record_authors(
        "authors_classifier",
        conv_iResNet(
            colours, [2, 1], [1, 2], [4, 6], init_ds=1, inj_pad=1, nClasses=3, nonlin="sorting", coeff=COEFF,
            n_power_iter=40,
        ),
        colours,
    )  # fmt: skip
    flow = {"actnorm": True, "coeff": COEFF, "vnorms": "2222", "sn_atol": 1e-4, "sn_rtol": 1e-4, "n_dist": "poisson"}
    flow |= {"first_resblock": True, "preact": True, "fc_idim": 5}
    record_residual_flow(
        "residual_flow",
        ResidualFlow(
            (2, *colours),
            [2, 1, 1],
            6,
            factor_out=False,
            init_layer=LogitTransform(0.05),
            activation_fn="swish",
            **flow,
        ),
        colours,
    )
    record_residual_flow(
        "residual_flow_factor_out",
        ResidualFlow(
            (2, *colours), [1, 1], 4, factor_out=True, fc_end=False, init_layer=LogitTransform(0.05),
            activation_fn="elu", **flow,
        ),
        colours,
    )  # fmt: skip
    record_residual_flow(
        "residual_flow_squeeze_first",
        ResidualFlow(
            (2, 4, 8, 8), [1, 1], 4, factor_out=True, fc_end=True, init_layer=LogitTransform(1e-6),
            activation_fn="swish", **flow,
        ),
        (1, 16, 16),
        squeeze=resflows_squeeze(),
    )  # fmt: skip


def resflows_squeeze():
    from resflows.layers import SqueezeLayer

    return SqueezeLayer(2)


def record_authors(name, model, event, passes=1):
    """Draw the weights, advance the power iterations, run the model."""
    randomize(model, name)
    images = uniform(2, *event) - 0.5
    for module in model.modules():
        if hasattr(module, "_init"):
            module._init = True  # they do not keep that it was set
    model.train()
    with torch.no_grad():
        for _ in range(passes):
            model(images, ignore_logdet=True)
            for block in blocks_of(model):
                block(uniform(1, *block_event(block)), ignore_logdet=True)
    for part in (getattr(model, "bn1", None),):
        if part is not None:
            part.running_mean.normal_(0, 0.5)
            part.running_var.uniform_(0.3, 2)
    state = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    model.double().eval()
    steps = []
    for block in blocks_of(model):
        block.register_forward_hook(lambda _, inputs, outputs: steps.append(outputs[0]))
    x = images.double()
    with torch.no_grad():
        if model.density_estimation:
            z, log_prior, _ = model(x, ignore_logdet=True)
            found = {"latents": flat(z), "log_prior": log_prior}
        else:
            logits, features = model(x)
            found = {"logits": logits, "features": features}
    found |= {f"step_{i}": step for i, step in enumerate(steps)}
    if model.density_estimation:
        found["log_det"] = log_det(lambda one: flat(model(one, ignore_logdet=True)[0]), x)
    write(name, state, images + 0.5, found)


def blocks_of(model):
    """The residual blocks in the order of the data."""
    return [block for one in model.stack for block in getattr(one, "stack", [one])]


def block_event(block):
    """The shape that a block takes, from the vector of its first convolution."""
    first = next(layer for layer in block.bottleneck_block if hasattr(layer, "weight_v"))
    channels = first.in_channels // block.stride**2
    side = round((first.weight_v.numel() / first.in_channels) ** 0.5)
    return channels, side, side


def record_residual_flow(name, model, event, squeeze=None):
    """Draw the weights, converge the power iterations, run the model."""
    randomize(model, name)
    images = uniform(2, *event) * 0.98 + 0.01
    first = images if squeeze is None else squeeze(images)
    with torch.no_grad():
        for part in model.modules():
            if hasattr(part, "initialized"):
                part.initialized.fill_("ActNorm" in type(part).__name__)
        model(first)  # makes the vectors of convolutions
        for part in model.modules():
            if hasattr(part, "compute_weight"):
                part.compute_weight(True)
    state = {key: value.numpy().copy() for key, value in model.state_dict().items()}
    model.double().eval()
    steps = []
    for transform in model.transforms:
        for part in transform.chain:
            if hasattr(part, "nnet"):
                part.register_forward_hook(lambda _, inputs, output: steps.append(output))
    x = first.double()
    with torch.no_grad():
        z = model(x)
    found = {"latents": z} | {f"step_{i}": step for i, step in enumerate(steps)}
    found["log_prior"] = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(1)
    found["log_det"] = log_det(model, x)
    write(name, state, images, found)


def randomize(model, name):
    """Weights far from where they start: of a kernel, by a factor of its own, so that some need no normalising.

    The last kernel of a branch is drawn about the transpose of the first, the one between about the identity: with
    slopes above 0, a branch then stretches, and its log-determinant is far from 0.
    """
    torch.manual_seed(sum(map(ord, name)))
    for key, value in model.named_parameters():
        noise = torch.randn(value.shape)
        if value.dim() > 1:
            value.data = noise / value[0].numel() ** 0.5
        elif not key.endswith(("geom_p", "lamb")):
            value.data = (1.0 if key.endswith("beta") else 0.3) * noise + (0.5 if key.endswith("bn1.weight") else 0)
    for number, kernels in enumerate(kernels_of(model)):
        first, middle, last = kernels
        last.data = 0.3 * last + first.transpose(0, 1).flip([*range(2, first.dim())])
        eye = torch.eye(*middle.shape[:2])
        middle.data = 0.3 * middle + eye.reshape(middle.shape)
        for kernel, factor in zip(kernels, np.roll([0.3, 1.0, 3.0], number), strict=True):
            kernel.data *= factor


def kernels_of(model):
    """The kernels of each branch, in turn."""
    branches = {}
    for key, value in model.named_parameters():
        if value.dim() > 1 and ("bottleneck_block" in key or "nnet" in key):
            branches.setdefault(key.rpartition("nnet" if "nnet" in key else "bottleneck_block")[0], []).append(value)
    return branches.values()


def uniform(*shape):
    return torch.rand(shape)


def flat(z):
    """Latents, of one scale or several, as vectors."""
    parts = z if isinstance(z, list) else [z]
    return torch.cat([part.reshape(len(part), -1) for part in parts], 1)


def log_det(function, x):
    """log|det| of the Jacobian of each example, written out."""
    found = []
    for one in x:
        jacobian = torch.autograd.functional.jacobian(lambda one: function(one[None])[0], one)
        found.append(torch.linalg.slogdet(jacobian.reshape(len(jacobian), -1))[1])
    return torch.stack(found)


def write(name, state, images, found):
    """All numbers one behind the other in float32, and what they are: an entry for each would take as much again."""
    arrays = {f"state/{key}": value for key, value in state.items()}
    arrays |= {"images": images.numpy()} | {key: value.detach().numpy() for key, value in found.items()}
    index = json.dumps({key: value.shape for key, value in arrays.items()})
    values = np.concatenate([value.ravel().astype("float32") for value in arrays.values()])
    path = OUT / f"{name}.npz"
    np.savez_compressed(path, index=index, values=values)
    print(f"{path.name}: {path.stat().st_size:,} bytes, {len(state)} tensors, log-det {found.get('log_det')}")


if __name__ == "__main__":
    main(*sys.argv[1:])
