import json
import re
import subprocess
import sys
from subprocess import PIPE

import pytest
import small_flows
import tensorflow as tf

from keras_iresnet.models.files.replacing import replacing
from keras_iresnet.runs.run_folder import RunFolder, default_path

SETTINGS = {"name": "toy_flow", "recipe": {"dataset": "toy/moons", "seed": 1}, "builder": {}}


def test_create_makes_the_folder_with_its_parents(tmp_path):
    run = RunFolder.create(tmp_path / "a" / "b")
    assert run.path.is_dir()
    assert list(run.path.iterdir()) == []


def test_create_takes_an_empty_folder_and_one_whose_first_file_a_killed_process_left_half_written(tmp_path):
    assert RunFolder.create(tmp_path).path == tmp_path
    with replacing(tmp_path / "config.json") as temporary:
        temporary.write_text("{")
        assert RunFolder.create(tmp_path).path == tmp_path


def test_create_refuses_a_folder_that_cannot_be_written_and_names_it(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"`out` must be a folder that can be written\. Received: out='.*file/run'"):
        RunFolder.create(tmp_path / "file" / "run")
    with pytest.raises(OSError, match="can be written"):
        RunFolder.create("/proc/run")  # refuses even root


def test_create_refuses_a_folder_with_a_run_and_says_which(tmp_path):
    run = RunFolder.create(tmp_path / "run")
    run.write_json(run.config, SETTINGS | {"started": "2026-01-02T03:04:05+00:00"})
    with pytest.raises(ValueError, match=r"holds a run of toy_flow started 2026-01-02.*Choose another folder"):
        RunFolder.create(run.path)


@pytest.mark.parametrize("content", ["{", "[]", '{"name": "x"}'])
def test_create_refuses_a_folder_with_a_run_whose_config_cannot_be_read(tmp_path, content):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match=r"a run with an unreadable config\.json"):
        RunFolder.create(tmp_path)


def test_create_refuses_a_folder_with_other_files_and_lists_some(tmp_path):
    for name in "abcdefg":
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"holds a, b, c, d, e and 2 more\."):
        RunFolder.create(tmp_path)


def test_open_says_what_is_missing(tmp_path):
    with pytest.raises(ValueError, match=r"no config\.json and no best\.keras"):
        RunFolder.open(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"has no best\.keras\. Received: run="):
        RunFolder.open(tmp_path)


def test_json_is_written_whole_or_not_at_all(tmp_path):
    run = RunFolder(tmp_path)
    run.write_json(run.metrics, {"a": 1.5})
    with pytest.raises(TypeError):
        run.write_json(run.metrics, {"a": object()})
    assert json.loads(run.metrics.read_text()) == {"a": 1.5}
    assert [file.name for file in tmp_path.iterdir()] == ["metrics.json"]


def test_replacing_keeps_the_old_file_until_the_body_ends_well(tmp_path):
    path = tmp_path / "x.png"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as temporary:  # noqa: PT012
        temporary.write_text("half")
        assert path.read_text() == "old"
        raise RuntimeError
    assert path.read_text() == "old"
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]


def test_saved_model_loads_again(tmp_path):
    model = small_flows.point_flow(seed=1)
    run = RunFolder(tmp_path)
    run.save(run.best, model)
    for loaded, weight in zip(run.load_best().get_weights(), model.get_weights(), strict=True):
        assert (loaded == weight).all()
    assert [file.name for file in tmp_path.iterdir()] == ["best.keras"]


def test_metrics_are_empty_before_the_run_ended(tmp_path):
    assert RunFolder(tmp_path).read_metrics() == {}


def test_default_path_holds_the_name_and_the_time():
    assert re.fullmatch(r"runs/toy_flow-\d{8}-\d{6}", default_path("toy_flow").as_posix())


@pytest.mark.slow
def test_two_processes_cannot_train_in_one_folder(tmp_path):
    code = f"""
from keras_iresnet.runs import RunFolder
with RunFolder({str(tmp_path)!r}).locked():
    print("locked", flush=True)
    input()
"""
    run = RunFolder(tmp_path)
    with subprocess.Popen([sys.executable, "-c", code], stdin=PIPE, stdout=PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(ValueError, match="must be free; another process trains in it"), run.locked():
            pass
        other.kill()
    with run.locked():  # the lock dies with its owner
        assert RunFolder.create(tmp_path).path == tmp_path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (OSError(28, "No space left"), "A file in runs/x could not be written: No space left"),
        (OSError("runs/x/best.keras could not be written"), "^runs/x/best.keras could not be written$"),
        (
            tf.errors.ResourceExhaustedError(None, None, "Failed to flush 3 events to runs/x/events"),
            "A file in runs/x could not be written: Failed to flush 3 events to runs/x/events",
        ),
    ],
)
def test_a_fault_of_a_file_names_the_folder(fault, message):
    with pytest.raises(OSError, match=message), RunFolder("runs/x").naming_faults():
        raise fault


def test_other_faults_of_tensorflow_pass_as_they_are():
    with pytest.raises(tf.errors.ResourceExhaustedError, match="OOM"), RunFolder("runs/x").naming_faults():
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")


def test_the_latest_states_are_kept(tmp_path):
    run = RunFolder(tmp_path)
    for steps in (5, 100, 20, 3):
        run.state(steps).touch()
    (tmp_path / ".last.000000007.part.state").touch()
    run.keep_latest_states()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["last.000000020.state", "last.000000100.state"]


@pytest.mark.parametrize("content", ["{", "", "[1]", "\x00\xff"])
@pytest.mark.parametrize("name", ["config", "metrics"])
def test_a_damaged_file_of_a_run_is_named(name, content, tmp_path):
    run = RunFolder(tmp_path)
    file = getattr(run, name)
    file.write_text(content)
    with pytest.raises(ValueError, match=re.escape(str(file))):
        getattr(run, f"read_{name}")()


def test_settings_that_were_changed_are_refused_until_their_checksum_goes(tmp_path):
    run = RunFolder(tmp_path)
    run.write_json(run.config, SETTINGS)
    assert run.read_config() == SETTINGS
    run.write_json(run.config, json.loads(run.config.read_text()) | {"name": "other"})
    assert run.read_config()["name"] == "other"
    changed = json.loads(run.config.read_text()) | {"name": "third"}
    run.config.write_text(json.dumps(changed))
    with pytest.raises(ValueError, match=r"config\.json must be as training wrote it: it is damaged, or was changed"):
        run.read_config()
    del changed["sha256"]
    run.config.write_text(json.dumps(changed))
    assert run.read_config()["name"] == "third"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda content: content.clear(),
            "name, recipe, builder .*Received: no name, no recipe, no builder",
        ),
        (lambda content: content.pop("builder"), "Received: no builder$"),
        (lambda content: content["recipe"].pop("seed"), r"Received: no recipe\.seed$"),
        (lambda content: content.update(recipe=[]), r"a field recipe of type dict\. Received: recipe=\[\]"),
        (
            lambda content: content["recipe"].update(seed="1"),
            r"a field recipe\.seed of type int\. Received: .*seed='1'",
        ),
        (lambda content: content.update(data=3), "a field data of type dict"),
    ],
)
def test_settings_that_lack_a_field_are_refused(change, told, tmp_path):
    run, content = RunFolder(tmp_path), json.loads(json.dumps(SETTINGS))
    change(content)
    run.write_json(run.config, content)
    with pytest.raises(ValueError, match=f"^{re.escape(str(run.config))} must have .*{told}"):
        run.read_config()


def test_settings_that_a_command_needs_are_asked_for(tmp_path):
    run = RunFolder(tmp_path)
    run.write_json(run.config, SETTINGS)
    with pytest.raises(
        ValueError, match=r"config\.json must have .*machine among them\. Received: no overrides, no machine"
    ):
        run.read_config("overrides", "name", "machine")
    run.write_json(run.config, SETTINGS | {"overrides": {}, "machine": {}})
    assert run.read_config("overrides", "machine")["overrides"] == {}
