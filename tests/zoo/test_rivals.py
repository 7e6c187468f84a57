"""Rivals are models of the zoo, for data of any shape."""

import inspect
import json

import pytest

from keras_iresnet import baselines, zoo
from keras_iresnet.runs import train
from keras_iresnet.runs.settings import resolve

FLOWS = ("ffjord", "glow", "irevnet", "made", "maf", "nice", "real_nvp")
CLASSIFIERS = ("glow_classifier", "irevnet_classifier", "neural_ode_classifier")
BENCHMARKS = ("power_flow", "gas_flow", "hepmass_flow", "miniboone_flow", "bsds300_flow")
QUICK = {"steps": 2, "epochs": None, "minutes": None, "batch_size": 16, "validation_examples": 20}


@pytest.mark.parametrize("name", FLOWS + CLASSIFIERS)
def test_each_is_there_at_its_papers_size_and_at_a_small_one(name):
    assert zoo.get(name).builder is getattr(baselines, name)
    small = inspect.signature(zoo.get(f"{name}_small").builder).parameters
    big = inspect.signature(getattr(baselines, name)).parameters
    assert [*small] == [*big]
    assert small["units"].default != big["units"].default
    assert zoo.get(name).task == ("density" if name in FLOWS else "classification")


@pytest.mark.parametrize(
    ("name", "dataset", "options", "figure"),
    [
        ("made_small", "toy/moons", {"units": (4,)}, "test_log_likelihood_nats"),
        pytest.param("nice_small", "digits", {"units": (4,)}, "test_bits_per_dim", marks=pytest.mark.slow),
        ("irevnet_classifier_small", "digits", {"blocks": (1,), "units": (4,)}, "test_error_percent"),
    ],
)
@pytest.mark.sweep(2)
def test_they_are_trained_by_name(name, dataset, options, figure, tmp_path):
    figures = train(name, tmp_path / "run", overrides={"dataset": dataset, **QUICK, **options}, progress=False)
    assert figure in figures
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert tuple(config["recipe"]["dataset"].split("/")) == tuple(dataset.split("/"))


def test_a_classifier_is_not_trained_on_points(tmp_path):
    with pytest.raises(ValueError, match=r"labelled images. Received: name='toy/moons'"):
        train("glow_classifier_small", tmp_path / "run", overrides={"dataset": "toy/moons", **QUICK}, progress=False)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_recipe_without_its_files_says_where_they_come_from(name, tmp_path):
    assert resolve(name).recipe.dataset == f"maf/{name.removesuffix('_flow')}"
    with pytest.raises(FileNotFoundError, match=r"zenodo.org/records/1161203.*Received: data_dir="):
        train(name, tmp_path / "run", data_dir=tmp_path, progress=False)
    assert not (tmp_path / "run").exists()
