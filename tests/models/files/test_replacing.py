import pytest
import tensorflow as tf

from keras_iresnet.models.files.replacing import reason_of, replacing, replacing_folder


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize("there", [False, True])
def test_a_new_or_an_empty_folder_appears_whole_or_not_at_all(tmp_path, there):
    path = tmp_path / "above" / "served"
    if there:
        path.mkdir(parents=True)
    with pytest.raises(RuntimeError), replacing_folder(path) as temporary:  # noqa: PT012
        (temporary / "a").write_text("half")
        raise RuntimeError
    assert names(tmp_path) == (["above", "above/served"] if there else ["above"])
    with replacing_folder(path) as temporary:
        (temporary / "a").write_text("new")
        assert not names(path)
    assert names(tmp_path) == ["above", "above/served", "above/served/a"]
    assert path.stat().st_mode & 0o777 == (tmp_path / "above").stat().st_mode & 0o777


def test_other_files_of_a_folder_stay(tmp_path):
    (tmp_path / "served" / "deep").mkdir(parents=True)
    for name in ("mine", "deep/mine", "deep/a"):
        (tmp_path / "served" / name).write_text("old")
    with replacing_folder(tmp_path / "served") as temporary:
        (temporary / "deep").mkdir()
        (temporary / "deep" / "a").write_text("new")
    found = {name: (tmp_path / "served" / name).read_text() for name in ("mine", "deep/mine", "deep/a")}
    assert found == {"mine": "old", "deep/mine": "old", "deep/a": "new"}
    assert names(tmp_path) == ["served", "served/deep", "served/deep/a", "served/deep/mine", "served/mine"]


WROTE = "{{function_node __wrapped__SaveV2_device_/job:localhost}} /made/variables/part-0; File too large [Op:SaveV2]"
DENIED = "/runs/served; Operation not permitted"
FLUSHED = (
    "/runs/x/events; No space left on device\n\tFailed to flush 1 events to /runs/x/events\n\tFlushing first event."
)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (tf.errors.OutOfRangeError(None, None, WROTE), "File too large"),
        (tf.errors.PermissionDeniedError(None, None, DENIED), "Operation not permitted"),
        (tf.errors.ResourceExhaustedError(None, None, FLUSHED), "No space left on device"),
        (tf.errors.DataLossError(None, None, "the writer is closed"), "the writer is closed"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("the pipe is gone"), "the pipe is gone"),
    ],
)
def test_what_tensorflow_and_the_system_say_becomes_one_reason(tmp_path, error, reason):
    assert reason_of(error) == reason
    with pytest.raises(OSError, match="could not be written") as told, replacing_folder(tmp_path / "served"):
        raise error
    assert str(told.value) == f"{tmp_path / 'served'} could not be written: {reason}"


def test_the_reason_of_a_file_in_the_folder_is_that_of_the_folder(tmp_path):
    error = OSError(27, "File too large")
    with (
        pytest.raises(OSError, match="could not be written") as told,
        replacing_folder(tmp_path / "mine") as folder,
        replacing(folder / "model.keras"),
    ):
        raise error
    assert str(told.value) == f"{tmp_path / 'mine'} could not be written: File too large"
