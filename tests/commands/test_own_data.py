"""A user's own data through every command: shape, names and digest come from them, and changed data are refused."""

import csv
import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from keras_iresnet import commands
from keras_iresnet.runs import RunFolder, resolve, train
from keras_iresnet.runs.state.resume import settings_of
from keras_iresnet_cli import cli

SMALL = {"epochs": 1, "blocks": (1,), "channels": 2}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Three classes of ten 6x4 pictures each."""
    root = tmp_path_factory.mktemp("data") / "pictures"
    rng = np.random.default_rng(0)
    for i in range(30):
        folder = root / ("ant", "bee", "cow")[i % 3]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (6, 4, 3)).astype(np.uint8)).save(folder / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """200 rows of two numbers, a count and a kind."""
    pytest.importorskip("polars")
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("data") / "people.csv"
    rows = [
        (170 + 10 * a, 70 + 8 * a + 3 * b, rng.integers(4), "fm"[rng.integers(2)]) for a, b in rng.normal(size=(200, 2))
    ]
    with path.open("w") as file:
        csv.writer(file).writerows([("height", "weight", "children", "sex"), *rows])
    return path


TABLE = {"label": "sex", "dequantize": ("children",), "positive": ("height",)}
FEW = {"blocks": 1, "units": (8,), "epochs": 3}


@pytest.fixture(scope="module")
def flow_run(pictures, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "flow"
    train("image_flow", out, overrides={"dataset": str(pictures), "conditional": True, **SMALL}, progress=False)
    return out


@pytest.fixture(scope="module")
def table_run(table, tmp_path_factory):
    out = tmp_path_factory.mktemp("runs") / "table"
    train("tabular_flow", out, overrides={"dataset": str(table), **TABLE, **FEW}, progress=False)
    return out


def _rows(path):
    with open(path) as file:
        return list(csv.DictReader(file))


def test_a_run_takes_its_shape_from_the_data_and_records_their_names(flow_run, pictures):
    config = RunFolder(flow_run).read_config()
    assert config["builder"]["event_shape"] == [6, 4, 3]
    assert config["builder"]["classes"] == 3
    assert config["recipe"]["batch_size"] == 3
    assert config["data"]["class_names"] == ["ant", "bee", "cow"]
    assert config["recipe"]["dataset"] == str(pictures)
    assert len(config["data"]["digest"]) == 64
    assert RunFolder(flow_run).load_best().condition_size == 3


def test_a_classifier_takes_its_classes_from_the_folders(pictures):
    settings = resolve("image_classifier", {"dataset": str(pictures), "blocks": (1,), "channels": 2})
    settings = settings.fitted_to(settings.load(None, labels=True))
    assert settings.build().num_classes == 3
    assert settings.fitted == ("batch_size", "bins", "event_shape", "num_classes")


def test_commands_read_the_runs_data_wherever_they_are(flow_run, pictures, tmp_path):
    figures = commands.evaluate_run(flow_run, max_passes=1, progress=False)
    moved = shutil.copytree(pictures, tmp_path / "moved")
    assert commands.evaluate_run(flow_run, max_passes=1, progress=False, dataset=moved) == figures
    path, _ = commands.reconstruct_run(flow_run, n=2, out=tmp_path / "r.npy", dataset=moved)
    assert np.load(path).shape[1:] == (6, 4, 3)


def test_changed_data_are_refused_by_every_command(flow_run, pictures, tmp_path):
    changed = shutil.copytree(pictures, tmp_path / "changed")
    (changed / "ant" / "0.png").unlink()
    for command in (
        lambda **where: commands.evaluate_run(flow_run, progress=False, **where),
        lambda **where: commands.reconstruct_run(flow_run, n=2, **where),
        lambda **where: commands.interpolate_run(flow_run, pairs=1, **where),
        lambda **where: commands.score_run(flow_run, examples=pictures, progress=False, **where),
    ):
        with pytest.raises(ValueError, match=r"must be those that the run was trained on.*Received: .*changed"):
            command(dataset=changed)


def test_a_class_may_be_drawn_by_its_name(flow_run, tmp_path):
    by_name, by_number = (tmp_path / f"{name}.npy" for name in ("name", "number"))
    commands.sample_run(flow_run, n=2, label="bee", out=by_name)
    commands.sample_run(flow_run, n=2, label=1, out=by_number)
    np.testing.assert_array_equal(np.load(by_name), np.load(by_number))
    with pytest.raises(ValueError, match=r"`label` must be one of ant, bee, cow. Received: label='dog'"):
        commands.sample_run(flow_run, label="dog")


def test_pictures_are_scored_by_name(flow_run, pictures, tmp_path):
    found = commands.score_run(flow_run, examples=pictures, out=tmp_path / "scores.csv", progress=False)
    rows = _rows(found.path)
    assert [row["name"] for row in rows][:2] == ["ant/0.png", "ant/12.png"]
    assert len(rows) == 30
    # Most were trained on, so that the shares of all are about uniform.
    assert np.mean([float(row["training_share_below"]) for row in rows]) == pytest.approx(0.5, abs=0.15)


def test_a_strange_row_is_less_likely_than_all_of_training(table_run, table, tmp_path):
    strange = tmp_path / "strange.csv"
    strange.write_text("weight,height,extra,children\n40,250,x,1\n70,170,y,2\n")
    result = CliRunner().invoke(
        cli, ["score", str(table_run), str(strange), "--out", str(tmp_path / "s.csv"), "--json"]
    )
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["below_all_training_examples"] == 1
    assert "Columns: height, weight, children" in result.stderr
    first, second = _rows(tmp_path / "s.csv")
    assert (first["name"], float(first["training_share_below"])) == ("1", 0.0)
    assert float(second["training_share_below"]) > 0.2
    flow = RunFolder(table_run).load_best()
    exact = float(flow.log_prob(np.array([[250, 40, 1]], "float32"))[0])
    assert float(first["log_likelihood_nats"]) == pytest.approx(exact, rel=0.2)  # but for the noise of the count


def test_samples_keep_the_columns_and_whole_steps(table_run, tmp_path):
    path = commands.sample_run(table_run, n=50, out=tmp_path / "new.csv")
    rows = _rows(path)
    assert list(rows[0]) == ["height", "weight", "children"]
    assert len(rows) == 50
    assert {float(row["children"]) % 1 for row in rows} == {0.0}
    assert RunFolder(table_run).load_best().log_prob(np.array([[-1.0, 70, 1]], "float32"))[0] == -np.inf
    assert np.mean([float(row["height"]) for row in rows]) == pytest.approx(170, abs=6)


def test_a_target_is_drawn_given_rows_of_the_test_split(table, tmp_path):
    overrides = {"dataset": str(table), "columns": ("height", "weight"), "target": ("weight",), **FEW}
    metrics = train("tabular_flow", tmp_path / "run", overrides=overrides, progress=False)
    assert metrics["dimension"] == 1
    rows = _rows(commands.sample_run(tmp_path / "run", n=20, out=tmp_path / "new.csv"))
    assert list(rows[0]) == ["weight", "height"]
    known = {f"{float(row['height']):.3f}" for row in _rows(table)}
    assert {f"{float(row['height']):.3f}" for row in rows} <= known
    found = commands.score_run(tmp_path / "run", examples=table, progress=False)
    assert len(found.names) == 200


def test_going_on_needs_the_same_settings_and_data(table_run, table, tmp_path):
    run = shutil.copytree(table_run, tmp_path / "run")
    assert settings_of(None, None, run, None).overrides == {"dataset": str(table), **TABLE, **FEW}
    with pytest.raises(ValueError, match=r"its own settings; .* Received for .*: batch_size=5"):
        settings_of(None, None, run, {"batch_size": 5})
    with pytest.raises(ValueError, match=r"its own settings; .* Received for .*: dequantize=\[\]"):
        settings_of("tabular_flow", None, run, {"dataset": str(table), "label": "sex", "positive": ("height",), **FEW})
    (run / "metrics.json").unlink()
    folder = RunFolder(run)
    config = folder.read_config()
    folder.write_json(folder.config, config | {"data": config["data"] | {"digest": "another"}})
    with pytest.raises(ValueError, match=r"must be those that the run was trained on"):
        train(resume=run, progress=False)


def test_a_builder_without_data_or_with_those_of_another_kind_says_so(table, tmp_path):
    with pytest.raises(ValueError, match=r"`dataset` must be given for a model without data"):
        train("image_flow", tmp_path / "a", progress=False)
    with pytest.raises(ValueError, match=r"`dataset` must hold images for image_flow"):
        train("image_flow", tmp_path / "b", overrides={"dataset": str(table), **TABLE}, progress=False)
    with pytest.raises(ValueError, match=r"`dataset` must hold points or a table for tabular_flow"):
        train("tabular_flow", tmp_path / "c", overrides={"dataset": "digits"}, progress=False)


def test_options_of_reading_are_settings():
    settings = resolve("tabular_flow", {"dataset": "a.csv", "columns": "a,b", "image_size": "8", "label": "none"})
    assert settings.reading.given() == {"columns": ("a", "b"), "image_size": (8, 8)}
    assert settings.recipe.dataset.endswith("/a.csv")
    assert "--columns" in settings.options()
