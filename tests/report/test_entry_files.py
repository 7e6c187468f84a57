"""What a report keeps is made anew once what it was made from, or what is on the disk, is another."""

import dataclasses
import json
import shutil

import numpy as np
import pytest

from keras_iresnet import zoo
from keras_iresnet.report import report
from keras_iresnet.report.exhibits import EXHIBITS
from keras_iresnet.report.recorded_runs import RECORDED
from keras_iresnet.report.sources import SOURCES, Sources
from keras_iresnet.zoo import registry


def _again(out):
    found = report(out, only=["figure-1"], progress=False)
    return found, found.rows[0]["state"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "report"
    assert _again(out)[1] == "made"
    return out


def _cut(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _typed(file):
    content = json.loads(file.read_text())
    content["beside"][0][2] = "something else"
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("pictures/figure-1-paths.png", lambda file: file.write_bytes(b"")),
        ("pictures/figure-1-paths.png", lambda file: file.unlink()),
        ("arrays/figure-1.npz", _cut),
        ("entries/figure-1.json", _cut),
        ("entries/figure-1.json", lambda file: file.write_text("[]")),
        ("entries/figure-1.json", lambda file: file.write_bytes(b"\xff")),
        ("entries/figure-1.json", _typed),
    ],
    ids=["empty picture", "no picture", "cut arrays", "cut entry", "no object", "no text", "typed by hand"],
)
def test_what_is_not_as_it_was_written_is_made_anew(name, damage, whole, tmp_path):
    out = tmp_path / "report"
    shutil.copytree(whole, out)
    page = (out / "index.html").read_text()
    damage(out / name)
    found, state = _again(out)
    assert state == "made"
    assert found.paths[0].read_text() == page
    np.load(out / "arrays" / "figure-1.npz")["plain"]
    assert _again(out)[1] == "kept"


def test_an_entry_of_before_that_had_no_digests_is_made_anew(whole, tmp_path):
    out = tmp_path / "report"
    shutil.copytree(whole, out)
    entry = out / "entries" / "figure-1.json"
    content = json.loads(entry.read_text())
    entry.write_text(json.dumps({key: content[key] for key in content if key not in ("sha256", "files")}))
    assert _again(out)[1] == "made"


@pytest.fixture
def change_record(monkeypatch):
    """A function that has a model of the zoo reach something else."""

    def change(name, value):
        entry = zoo.get(name)
        first, *others = entry.record.reached
        reached = (dataclasses.replace(first, value=value), *others)
        changed = dataclasses.replace(entry, record=dataclasses.replace(entry.record, reached=reached))
        monkeypatch.setitem(registry._entries, name, changed)

    return change


def test_a_table_of_records_is_made_anew_when_one_changes(change_record, tmp_path):
    def state():
        return report(tmp_path, only=["figure-1", "table-2"], progress=False).rows

    state()
    assert [row["state"] for row in state()] == ["kept", "kept"]
    change_record("mnist_classifier_small", 4.321)
    assert [row["state"] for row in state()] == ["kept", "made"]
    assert "4.321" in (tmp_path / "index.html").read_text()


def _digests(sources):
    return {one.name: sources.digest(one.released, one.recorded, one.records) for one in EXHIBITS}


@pytest.mark.parametrize(
    ("model", "only"),
    [
        ("mnist_classifier_small", {"table-2"}),
        ("digits_flow", {"table-4", "figure-5"}),
        ("toy_flow", {"figure-2"}),
        ("mnist_flow_small", {"table-4"}),
    ],
)
def test_exhibits_depend_on_the_records_that_they_show(model, only, tiny_weights, change_record, tmp_path):
    for name in ("digits_flow", "digits_classifier"):  # toys are recorded ones alone
        (tmp_path / name).symlink_to(tiny_weights / name)
    sources = Sources(weights=tmp_path)
    before = _digests(sources)
    change_record(model, 1.234567)
    changed = {name for name, digest in _digests(sources).items() if digest != before[name]}
    assert only <= changed
    released = {name for name, source in SOURCES.items() if source.model == model}
    told = {one.name for one in EXHIBITS if released & set(one.released) or one.records is None}
    assert changed <= told | only


@pytest.mark.parametrize("ending", [".json", ".npz"])
def test_exhibits_depend_on_rows_and_arrays_of_recorded_runs(ending, tmp_path):
    shutil.copytree(RECORDED, tmp_path / "recorded")
    sources = Sources(recorded=tmp_path / "recorded")
    before = _digests(sources)
    with (tmp_path / "recorded" / f"singular_values{ending}").open("ab") as file:
        file.write(b"\n")
    assert [name for name, digest in _digests(sources).items() if digest != before[name]] == ["figure-6"]
