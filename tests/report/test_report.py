"""What a report writes, that it keeps what is there, and that it shows nothing it has no weights of."""

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from keras_iresnet.models.files.preset import load_preset
from keras_iresnet.report import report
from keras_iresnet.report.exhibits import EXHIBITS
from keras_iresnet.report.sources import SOURCES, Sources
from keras_iresnet.runs import settings
from keras_iresnet.studies.dynamics import Dynamics
from keras_iresnet_cli import cli

ONLY = ("figure-1", "walks", "table-2")


@pytest.fixture(scope="module")
def made(tiny_weights, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "report"
    return out, report(out, only=ONLY, weights=tiny_weights, progress=False)


def test_files_hold_what_the_page_shows(made, tiny_weights):
    out, found = made
    assert [row["state"] for row in found.rows] == ["made"] * 3
    walk = np.load(out / "arrays" / "walks.npz")["digits_flow"]
    sources = Sources(weights=tiny_weights)
    ends = sources.images("digits_flow", 2 * len(walk)).images
    np.testing.assert_array_equal(walk[:, 0], ends[: len(walk)])
    np.testing.assert_array_equal(walk[:, -1], ends[len(walk) :])
    assert len(list((out / "pictures").glob("walks-digits_flow-*.png"))) == walk.shape[1]
    assert set(found.paths) == {out / "index.html", *out.glob("arrays/*"), *out.glob("pictures/*")}


def test_what_the_page_says_of_paths_is_counted_in_its_arrays(made):
    out, _ = made
    arrays = np.load(out / "arrays" / "figure-1.npz")
    page = (out / "index.html").read_text()
    for label in ("plain", "invertible"):
        crossings = Dynamics(arrays[label], 0.0, 0.0).crossings
        assert f"{label}: {crossings} of 200" in page
    assert Dynamics(arrays["invertible"], 0.0, 0.0).crossings == 0


def test_what_has_no_weights_is_named_with_its_command_and_not_shown(made, tiny_weights):
    out, _ = made
    page = (out / "index.html").read_text()
    assert f"<code>{SOURCES['digits_flow_conditional'].command('digits_flow_conditional')}</code>" in page
    assert not list((out / "pictures").glob("*conditional*"))
    nothing = report(out.parent / "nothing", only=["figure-5"], weights=_only(tiny_weights, "digits_classifier"))
    assert nothing.rows[0]["state"] == "not there yet"
    assert [path.name for path in nothing.paths] == ["index.html"]
    assert "<img" not in nothing.paths[0].read_text()


def _only(weights, name):
    """A folder of one of the presets."""
    folder = weights.parent / f"only_{name}"
    if not folder.exists():
        folder.mkdir()
        (folder / name).symlink_to(weights / name)
    return folder


def test_what_is_there_is_kept_until_its_weights_change(tiny_weights, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "digits_flow").symlink_to(tiny_weights / "digits_flow")
    first = report(tmp_path / "report", only=["figure-1", "walks"], weights=weights, progress=False)
    times = {path: path.stat().st_mtime_ns for path in first.paths[1:]}
    again = report(tmp_path / "report", only=["figure-1", "walks"], weights=weights, progress=False)
    assert [row["state"] for row in again.rows] == ["kept", "kept"]
    assert {path: path.stat().st_mtime_ns for path in again.paths[1:]} == times
    first.paths[-1].unlink()  # the last frame of the walk
    (tmp_path / "report" / "entries" / "figure-1.json").unlink()  # as if it had been interrupted before
    mended = report(tmp_path / "report", only=["figure-1", "walks"], weights=weights, progress=False)
    assert [row["state"] for row in mended.rows] == ["made", "made"]
    assert first.paths[-1].is_file()
    model = load_preset(tiny_weights / "digits_flow")
    model.prior.set_weights([weight + 0.1 for weight in model.prior.get_weights()])
    (weights / "digits_flow").unlink()
    model.save_to_preset(weights / "digits_flow")
    changed = report(tmp_path / "report", only=["figure-1", "walks"], weights=weights, progress=False)
    assert [row["state"] for row in changed.rows] == ["kept", "made"]


@pytest.mark.slow
def test_every_exhibit_is_made_of_what_there_is(tiny_weights, tmp_path):
    found = report(tmp_path / "all", weights=tiny_weights, progress=False)
    assert [row["state"] for row in found.rows] == ["made"] * len(EXHIBITS)
    page = found.paths[0].read_text()
    assert page.count("<section") == len(EXHIBITS)
    for entry in (tmp_path / "all" / "entries").glob("*.json"):
        content = json.loads(entry.read_text())
        assert content["beside"], "the paper's words or numbers stand beside ours"
        assert content["settings"]


@pytest.mark.slow
def test_what_is_found_of_the_flows_is_what_the_paper_says(tmp_path):
    """All that table 1 ticks is found; beyond it, that Glow's mixings have closed inverses, and 5 terms a bias."""
    report(tmp_path / "table", only=["table-1"], progress=False)
    beside = json.loads((tmp_path / "table" / "entries" / "table-1.json").read_text())["beside"]
    beyond = {}
    for flow, paper, here in beside:
        said, found = (set(text.split(", ")) for text in (paper, here))
        if not paper.startswith("not in the paper"):
            assert said <= found, flow
            beyond[flow] = found - said
    assert {flow: more for flow, more in beyond.items() if more} == {
        "Glow": {"analytic inverse"},
        "i-ResNet, series of 5 terms": {"biased log-det"},
    }


def test_weights_come_from_commands_that_the_package_takes():
    for name, source in SOURCES.items():
        words = source.command(name).split()
        assert words[:2] == ["keras-iresnet", "train"]
        options = dict(zip(words[3::2], words[4::2], strict=True))
        overrides = {key[2:].replace("-", "_"): value for key, value in options.items() if key != "--out"}
        resolved = settings.resolve(words[2], overrides)
        assert resolved.recipe.dataset == source.dataset


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"only": ["figure-10"]}, "`only` must be among figure-1, .*Received: only=.*figure-10"),
        ({"weights": "."}, "`weights` must be a folder of presets.*Received: weights='.', with none"),
    ],
)
def test_what_cannot_be_is_refused(options, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=message):
        report("report", **options)
    assert not list(tmp_path.iterdir())


def test_the_command_writes_the_page_and_says_what_became_of_it(tiny_weights, tmp_path):
    words = ["report", "--out", str(tmp_path / "out"), "--only", "figure-1", "--weights", str(tiny_weights), "--json"]
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["rows"][0]["exhibit"] == "figure-1"
    assert found["paths"][0] == str(tmp_path / "out" / "index.html")
    assert "[1/1] Figure 1" in result.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "Give --out"),
        (["--out", "x", "--tflops", "3"], "are for --size paper"),
        (["--size", "paper", "--out", "x"], "--out must go without --size paper"),
        (["--size", "large", "--out", "x"], "must be small or paper. Received: large"),
    ],
)
def test_the_command_refuses_options_of_the_other_size(words, message):
    result = CliRunner().invoke(cli, ["report", *words])
    assert result.exit_code == 2
    assert message in re.sub(r"[│\s]+", " ", result.output)
