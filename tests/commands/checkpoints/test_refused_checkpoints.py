import pathlib
import pickle
import sys
import zipfile

import numpy as np
import pytest
from references import state

from keras_iresnet.commands.checkpoints.models_of import Facts, model_of
from keras_iresnet.commands.checkpoints.named_tensors import NamedTensors
from keras_iresnet.commands.checkpoints.tensor_file import read_tensors

COLOURS = Facts((8, 8, 3))


def refuse(name, message, facts=COLOURS, **changed):
    """The model of a recorded checkpoint with some tensors changed, or left out where they are `None`."""
    tensors = {key: value for key, value in (state(name) | changed).items() if value is not None}
    with pytest.raises(ValueError, match=message):
        model_of(NamedTensors(tensors), facts)


@pytest.mark.parametrize("name", ["authors_multiscale", "residual_flow"])
def test_a_tensor_that_has_no_place_is_named(name):
    message = r"must have its place in the model. Received: 1 without, extra.weight \(2, 3\)"
    refuse(name, message, **{"extra.weight": np.ones((2, 3))})


BLOCK = "transforms.0.chain.2"
KERNEL = f"{BLOCK}.nnet.2.weight"
SCALE = "stack.1.stack.0.actnorm._log_scale"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({f"{BLOCK}.nnet.2.bias": None}, rf"must hold `{BLOCK}.nnet.2.bias`"),
        ({KERNEL: None}, rf"must hold `{BLOCK}.nnet.3.beta`|\d+ without, {BLOCK}.nnet.2.bias"),
        ({KERNEL: np.ones((6, 5, 1, 1))}, rf"`{KERNEL}` .* the shape \(6, 6, 1, 1\). Received: \(6, 5, 1, 1\)"),
        ({KERNEL: np.full((6, 6, 1, 1), np.nan)}, f"`{KERNEL}` of the checkpoint must be finite. Received: 36"),
        ({f"{BLOCK}.nnet.0.u": np.ones(384)}, "must have length 1 in l_2"),
        ({f"{BLOCK}.nnet.0.u": None}, f"must hold `{BLOCK}.nnet.0.u`"),
        ({"transforms.0.chain.4.nnet.0.beta": None}, "must hold `transforms.0.chain.4.nnet.0.beta`"),
        ({"transforms.0.chain.0.mean": np.ones(3)}, "1 without, transforms.0.chain.0.mean"),
        ({"logit_layer.weight": np.ones((10, 5))}, "1 without, logit_layer.weight"),
    ],
)
def test_what_is_missing_of_a_residual_flow_or_does_not_fit_is_named(changed, message):
    refuse("residual_flow", message, **changed)


@pytest.mark.parametrize(
    ("name", "changed", "message"),
    [
        ("authors_multiscale", {"stack.0.stack.1.bottleneck_block.3.weight_orig": np.ones((6, 6, 3, 3))}, "weight_u"),
        ("authors_multiscale", {SCALE: None}, f"must hold `{SCALE}`"),
        ("authors_multiscale", {"prior_mu": np.zeros(10)}, r"`prior_mu` .* must have the shape \(192\)"),
        ("authors_single", {"prior_mu": np.zeros(191)}, "`event_shape` must be that of the checkpoint's images"),
    ],
)
def test_what_is_missing_of_the_authors_or_does_not_fit_is_named(name, changed, message):
    refuse(name, message, **changed)


def classes(*event_shape):
    return Facts(event_shape, "classification", mean=(0, 0, 0), deviation=(1, 1, 1))


@pytest.mark.parametrize(
    ("name", "facts", "message"),
    [
        ("authors_multiscale", classes(8, 8, 3), "the head of multiscale_conv_iResNet"),
        ("authors_classifier", COLOURS, "A density must have no padding.*with 1 padded channels"),
        ("authors_classifier", classes(16, 16, 3), "`event_shape` must be that"),
        ("authors_multiscale", Facts((16, 16, 3)), "weight_u` of the checkpoint must have the shape"),
        ("authors_multiscale", Facts((8, 8, 1)), "must have the shape"),
        ("residual_flow", Facts((16, 16, 3)), "is of a grid of 8 x 8. Received: 16 x 16 there"),
        ("residual_flow", Facts((8, 8, 2)), "of 3 channels, or a fourth of them.*no place for padded ones"),
        ("residual_flow", classes(8, 8, 3), "must be of densities"),
        ("residual_flow", Facts((8, 8, 3), activation="elu"), r"\d+ without, .*beta"),
    ],
)
def test_an_architecture_without_a_counterpart_is_refused(name, facts, message):
    refuse(name, message, facts)


def test_other_names_are_told():
    with pytest.raises(ValueError, match=r"names of invertible-resnet .* Received: conv1.weight"):
        model_of(NamedTensors({"conv1.weight": np.ones(3)}), COLOURS)


def test_names_of_data_parallel_are_taken():
    wrapped = {f"module.{name}": value for name, value in state("authors_multiscale_bare").items()}
    assert model_of(NamedTensors(wrapped), Facts((8, 8, 1))).source == "invertible-resnet"


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (Facts((8, 8)), r"`event_shape` must be \(height, width, channels\). Received: event_shape=\(8, 8\)"),
        (Facts((8, 8, 3), "both"), "`task` must be one of density, classification. Received: task='both'"),
        (Facts((8, 8, 3), coeff=1.2), r"`coeff` must lie in \(0, 1\)"),
        (Facts((8, 8, 3), activation="gelu"), "`activation` must be 1-Lipschitz"),
        (Facts((8, 8, 3), logit_alpha=0.7), r"`alpha` must lie in \(0, 0.5\)"),
        (Facts((8, 8, 3), "classification", mean=(0.5,)), "`mean` must have a number for each channel"),
        (Facts((8, 8, 1), "classification", mean=(0.5,), deviation=(0.0,)), "`deviation` must be positive"),
        (Facts((8, 8, 1), mean=(0.5,)), "`mean` is for a classifier"),
    ],
)
def test_arguments_that_cannot_be_are_refused(facts, message):
    with pytest.raises(ValueError, match=message):
        facts.check()


def test_safetensors_are_read_and_broken_ones_refused(tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "state.safetensors"
    safetensors.save_file({"half": np.ones(3, "float16"), "count": np.arange(2)}, path)
    found = read_tensors(path)
    assert {name: array.dtype.name for name, array in found.items()} == {"half": "float32", "count": "int64"}
    for cut in (0, 4, 40, path.stat().st_size - 1):
        broken = tmp_path / "cut.safetensors"
        broken.write_bytes(path.read_bytes()[:cut])
        with pytest.raises(ValueError, match=r"cut.safetensors must be a whole file of safetensors"):
            read_tensors(broken)


class Opens:
    """Unpickled, it runs code."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return pathlib.Path.touch, (self.path,)


def test_files_of_pytorch_are_read_and_nothing_in_them_is_run(tmp_path):
    torch = pytest.importorskip("torch")
    weights = {"weight": torch.ones(2, dtype=torch.bfloat16), "count": torch.tensor(3)}
    for content in (weights, {"state_dict": weights, "epoch": 3}):
        torch.save(content, tmp_path / "good.pth")
        found = read_tensors(tmp_path / "good.pth")
        assert found["weight"].tolist() == [1.0, 1.0]
        assert found["count"] == 3

    witness = tmp_path / "witness"
    for content in ({"weight": torch.ones(2), "other": Opens(witness)}, torch.nn.Linear(2, 2)):
        torch.save(content, tmp_path / "bad.pth")
        with pytest.raises(ValueError, match=r"bad.pth must hold tensors alone: .* torch.save\(model.state_dict\(\)"):
            read_tensors(tmp_path / "bad.pth")
    (tmp_path / "bad.pth").write_bytes(pickle.dumps(Opens(witness)))
    with pytest.raises(ValueError, match=r"bad.pth must"):
        read_tensors(tmp_path / "bad.pth")
    assert not witness.exists()

    for content in ([torch.ones(2)], {"weight": 3}, {3: torch.ones(2)}):
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(ValueError, match=r"other.pth must hold a state dict"):
            read_tensors(tmp_path / "other.pth")

    whole = (tmp_path / "good.pth").read_bytes()
    for cut in (0, 10, len(whole) // 2, len(whole) - 30):
        (tmp_path / "cut.pth").write_bytes(whole[:cut])
        with pytest.raises(ValueError, match=r"cut.pth must be a whole file of PyTorch|cut.pth must hold tensors"):
            read_tensors(tmp_path / "cut.pth")
    with zipfile.ZipFile(tmp_path / "text.pth", "w") as archive:
        archive.writestr("a.txt", "no checkpoint")
    with pytest.raises(ValueError, match=r"text.pth must be a whole file of PyTorch"):
        read_tensors(tmp_path / "text.pth")


@pytest.mark.parametrize(("name", "package"), [("a.pth", "torch"), ("a.safetensors", "safetensors.numpy")])
def test_where_the_extra_is_missing_it_is_named(name, package, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, package, None)
    (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"pip install 'keras-iresnet\[torch\]'. Received: .*" + name):
        read_tensors(tmp_path / name)


def test_a_file_that_is_not_there_is_missed(tmp_path):
    with pytest.raises(FileNotFoundError, match="`checkpoint` must be a file"):
        read_tensors(tmp_path / "none.pth")
