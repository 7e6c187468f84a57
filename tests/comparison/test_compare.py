"""A whole comparison, small: what it writes, that it goes on, and what it refuses."""

import base64
import csv
import json
import re
import shutil
import sys

import numpy as np
import pytest

from keras_iresnet import data
from keras_iresnet.comparison import compare
from keras_iresnet.evaluation.log_likelihood import evaluate_log_likelihood
from keras_iresnet.runs import RunFolder

SMALL = {"steps": 12, "blocks": 1, "parameters": 300, "pairs": 0, "progress": False}
MODULE = sys.modules["keras_iresnet.comparison.compare"]  # the package has the function by that name
MODELS = ("made", "maf", "gaussian", "kernel_density")


@pytest.fixture(scope="module")
def interrupted(table, tmp_path_factory):
    """The folder of a comparison whose third training was interrupted, and what it held then."""
    out = tmp_path_factory.mktemp("compared") / "bent"
    with pytest.MonkeyPatch.context() as patched:
        original, begun = MODULE.train, []

        def train(model, **options):
            if len(begun) == 2:
                raise KeyboardInterrupt
            begun.append(options["resume"].name)
            return original(model, **options)

        patched.setattr(MODULE, "train", train)
        with pytest.raises(KeyboardInterrupt):
            compare(table, out, models=MODELS, seeds=(0, 1), **SMALL)
    return out, {path: path.read_bytes() for path in out.glob("runs/*/best.keras")}


@pytest.fixture(scope="module")
def compared(interrupted, table):
    """The comparison, which has gone on."""
    out = interrupted[0]
    return out, compare(table, out, models=MODELS, seeds=(0, 1), **SMALL)


def _by_model(rows):
    return {row["model"]: row for row in rows}


def test_rows_have_figures_of_the_same_held_out_rows(compared, table):
    out, found = compared
    splits = data.load(table)
    rows = _by_model(found.rows)
    assert set(rows) == {"MADE", "MAF", "Gaussian", "kernel density"}
    each = [
        evaluate_log_likelihood(RunFolder(out / "runs" / f"maf-seed{seed}").load_best(), splits.test).mean
        for seed in (0, 1)
    ]
    assert each[0] != each[1]
    unit = "test_log_likelihood_nats"
    assert rows["MAF"][unit] == pytest.approx(np.mean(each), abs=1e-4)
    assert rows["MAF"][f"{unit}_seed_standard_error"] == pytest.approx(abs(each[0] - each[1]) / 2, abs=1e-4)
    test = np.stack(list(splits.test.as_numpy_iterator())).astype(float)
    train = np.stack(list(splits.train.as_numpy_iterator())).astype(float)
    assert rows["Gaussian"][unit] == pytest.approx(_gaussian(train, test).mean(), abs=1e-3)
    assert rows["Gaussian"][f"{unit}_seed_standard_error"] is None
    error = _gaussian(train, test).std(ddof=1) / np.sqrt(len(test))
    assert rows["Gaussian"][f"{unit}_example_standard_error"] == pytest.approx(error, rel=1e-3)


def _gaussian(train, test):
    """Log-densities under the Gaussian of the training rows, by its formula."""
    mean, covariance = train.mean(0), np.cov(train.T, bias=True)
    away = test - mean
    squares = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    return -0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariance).logabsdet)


def test_the_best_comes_first_and_the_others_say_how_far_they_are_behind(compared):
    out, found = compared
    nats = [row["test_log_likelihood_nats"] for row in found.rows]
    assert nats == sorted(nats, reverse=True)
    assert (found.rows[0]["behind_best"], found.rows[0]["behind_best_standard_error"]) == (0, 0)
    scores = np.load(out / "comparison.npz")
    names = {"MADE": "made", "MAF": "maf", "Gaussian": "gaussian", "kernel density": "kernel_density"}
    best, last = (scores[names[found.rows[index]["model"]]].mean(0) for index in (0, -1))
    assert found.rows[-1]["behind_best"] == pytest.approx((best - last).mean())
    error = (best - last).std(ddof=1) / np.sqrt(len(best))
    assert found.rows[-1]["behind_best_standard_error"] == pytest.approx(error)


def test_models_have_about_as_many_parameters_as_asked(compared):
    rows = _by_model(compared[1].rows)
    for name in ("MADE", "MAF"):
        assert 200 < rows[name]["parameters"] < 400
    out = compared[0]
    for name in ("made", "maf"):
        parameters = json.loads((out / "plan.json").read_text())["models"][name]["parameters"]
        assert RunFolder(out / "runs" / f"{name}-seed0").read_metrics()["parameters"] == parameters


def test_the_files_hold_the_rows(compared):
    out, found = compared
    assert set(found.paths) <= set(out.iterdir())
    with (out / "comparison.csv").open() as file:
        written = list(csv.DictReader(file))
    assert [row["model"] for row in written] == [row["model"] for row in found.rows]
    assert json.loads((out / "comparison.json").read_text())["rows"] == found.rows
    text = (out / "comparison.md").read_text()
    assert "at most 12 steps" in text
    assert text.count("\n| ") == 2 * 1 + len(found.rows) + 2  # of the second table, those that were trained


def test_rows_have_what_was_found_by_running(compared):
    rows = _by_model(compared[1].rows)
    for name in ("MADE", "MAF"):
        assert (rows[name]["layer"], rows[name]["likelihood"], rows[name]["free_form"]) == (
            "Autoregressive",
            "exact",
            False,
        )
        assert (rows[name]["forward_passes"], rows[name]["inverse_passes"]) == (1, 3)
        assert "step_milliseconds" not in rows[name]
    assert rows["Gaussian"]["layer"] is None


def test_the_page_needs_no_other_file(compared):
    out, found = compared
    page = (out / "comparison.html").read_text()
    pictures = re.findall(r'<img [^>]*src="data:image/png;base64,([^"]*)"', page)
    assert [base64.b64decode(one) for one in pictures] == [(out / "likelihoods.png").read_bytes()]
    assert not re.search(r'(href|src)="(?!data:)|url\(|@import', page)
    nats = found.rows[0]["test_log_likelihood_nats"]
    assert f"<td>{found.rows[0]['model']}</td><td>{nats:.4g}</td>" in page


def test_what_has_ended_is_taken_as_it_is_and_models_may_be_added(compared, table):
    out, found = compared
    run = RunFolder(out / "runs" / "maf-seed0")
    before = run.best.stat().st_mtime_ns
    again = compare(table, out, models=("maf", "gaussian", "nice"), seeds=(0,), **SMALL)
    assert run.best.stat().st_mtime_ns == before
    rows, known = _by_model(again.rows), _by_model(found.rows)
    assert set(rows) == {"MADE", "MAF", "Gaussian", "kernel density", "NICE"}
    assert (rows["NICE"]["seeds"], rows["MAF"]["seeds"]) == (1, 2)
    unit = "test_log_likelihood_nats"
    assert {name: rows[name][unit] for name in known} == {name: known[name][unit] for name in known}
    written = json.loads((out / "comparison.json").read_text())["rows"]
    assert [row["model"] for row in written] == [row["model"] for row in again.rows]
    assert "kernel density" in (out / "comparison.html").read_text()


def test_what_was_interrupted_and_is_not_asked_for_stays_out(table, tmp_path):
    compare(table, tmp_path, models=("nice",), **SMALL)
    unfinished = tmp_path / "runs" / "nice-seed1"
    shutil.copytree(tmp_path / "runs" / "nice-seed0", unfinished)
    (unfinished / "metrics.json").unlink()
    again = compare(table, tmp_path, models=("gaussian",), **SMALL)
    assert {model: row["seeds"] for model, row in _by_model(again.rows).items()} == {"NICE": 1, "Gaussian": 1}


def test_what_has_ended_is_passed_over_in_silence(compared, table, capsys):
    compare(table, compared[0], models=("maf",), seeds=(0, 1), **SMALL | {"progress": True})
    assert "has ended" not in capsys.readouterr().err


def test_couplings_are_left_out_of_one_column_or_refused_by_name(tmp_path, monkeypatch):
    np.savetxt(tmp_path / "one.csv", np.random.default_rng(0).normal(size=(100, 1)), header="a", comments="")
    monkeypatch.setattr(MODULE, "train", pytest.fail)
    with pytest.raises(ValueError, match="one column, which couplings cannot split in two: nice, glow"):
        compare(tmp_path / "one.csv", tmp_path / "out", models=("nice", "glow", "gaussian"), **SMALL)
    trained = []
    monkeypatch.setattr(MODULE, "_train", lambda model, *_, **__: trained.append(model))
    compare(tmp_path / "one.csv", tmp_path / "out", **SMALL)
    assert trained == ["tabular_flow", "made", "maf", "ffjord"]


def test_a_comparison_that_was_interrupted_goes_on(interrupted, compared):
    _, before = interrupted
    assert len(before) == 2
    assert {path: path.read_bytes() for path in before} == before
    assert sum(row["seeds"] for row in compared[1].rows) == 2 + 2 + 1 + 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"models": ("iresnet", "glo")}, "`models` must be among iresnet.*Received: .*glo"),
        ({"seeds": (0, 0)}, "`seeds` must be different.*Received"),
        ({"steps": 0}, "`steps` must be positive.*Received: steps=0"),
        ({"overrides": {"target": "a"}}, "must be among .*Received: target"),
        ({"overrides": {"batch_size": "many"}}, "`batch_size` must be of type int.*many"),
        ({"blocks": 2}, "goes on with its own settings.*blocks=2, not 1"),
    ],
)
def test_what_cannot_be_is_refused_before_any_training(options, message, compared, table, monkeypatch):
    monkeypatch.setattr(MODULE, "train", pytest.fail)
    with pytest.raises(ValueError, match=message):
        compare(table, compared[0], **({"models": MODELS} | SMALL | options))


def test_what_diverges_is_given_lower_rates(table, tmp_path, monkeypatch):
    original, tried = MODULE.train, []

    def train(model, *, resume, overrides, **options):
        tried.append((resume.name, overrides["learning_rate"]))
        if model == "maf" or (model == "made" and overrides["learning_rate"] > 1e-3):
            resume.mkdir(parents=True, exist_ok=True)
            raise FloatingPointError("The loss must stay finite; it became inf")
        return original(model, resume=resume, overrides=overrides, **options)

    monkeypatch.setattr(MODULE, "train", train)
    asked = {**SMALL, "overrides": {"learning_rate": 0.004}}
    found = compare(table, tmp_path / "out", models=("made", "maf"), **asked)
    expected = {
        name: [(f"{name}-seed0{rate and f'-rate{rate}'}", pytest.approx(float(rate or 0.004))) for rate in rates]
        for name, rates in {"made": ("", "0.001"), "maf": ("", "0.001", "0.00025")}.items()
    }
    assert tried == [*expected["made"], *expected["maf"]]
    rows = _by_model(found.rows)
    assert rows["MADE"]["learning_rate"] == pytest.approx(0.001)
    assert (rows["MAF"]["test_log_likelihood_nats"], rows["MAF"]["diverged_seeds"]) == (None, "0")
    del tried[:]
    again = compare(table, tmp_path / "out", models=("made",), **asked)
    assert tried == expected["made"][1:]  # what diverged is not tried again
    assert again.rows[0]["learning_rate"] == pytest.approx(0.001)
