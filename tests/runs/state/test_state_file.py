import hashlib
import io
import os

import numpy as np
import pytest

from keras_iresnet.runs.state.state_file import StateRefusedError, read_state, write_state

ARRAYS = {"a/0": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.array(True), "c": np.array([2**40], np.int64)}
FACTS = {"epoch": 3, "value": 0.1, "none": None}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "last.000000003.state"
    write_state(path, ARRAYS, FACTS)
    return path


def test_arrays_and_facts_come_back_to_the_bit(path):
    arrays, facts = read_state(path)
    assert facts == FACTS
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(arrays[name], array, strict=True)


def test_every_flipped_bit_is_found(path):
    content = path.read_bytes()
    for i in np.linspace(0, len(content) - 1, 200).astype(int):
        damaged = bytearray(content)
        damaged[i] ^= 1 << (i % 8)
        path.write_bytes(damaged)
        with pytest.raises(StateRefusedError, match=r"checksum does not match|no state of training"):
            read_state(path)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_file_cut_short_is_found(path, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(StateRefusedError, match=r"cut short|no state of training"):
        read_state(path)


def test_another_kind_of_file_is_refused_and_one_that_cannot_be_read_is_not(path):
    np.savez(path.open("wb"), **ARRAYS)
    with pytest.raises(StateRefusedError, match="no state of training"):
        read_state(path)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=str(path)):
        read_state(path)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that takes nothing")
def test_a_full_disk_is_named_and_leaves_the_old_file(path):
    before = path.read_bytes()
    path.with_name(f".{path.stem}.part.state").symlink_to("/dev/full")
    with pytest.raises(OSError, match=f"{path} could not be written: No space left on device"):
        write_state(path, ARRAYS, FACTS)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_folder_that_is_gone_is_named(tmp_path):
    with pytest.raises(OSError, match=r"nowhere/x\.state could not be written: No such file or directory"):
        write_state(tmp_path / "nowhere" / "x.state", ARRAYS, FACTS)


def test_a_state_of_a_newer_version_is_no_fault_of_the_file(path):
    path.write_bytes(path.read_bytes().replace(b"state 1\n", b"state 2\n", 1))
    with pytest.raises(
        ValueError, match=r"newer keras_iresnet wrote it, update yours\. Received: .*, of version 2"
    ) as error:
        read_state(path)
    assert not isinstance(error.value, StateRefusedError)


def test_a_whole_file_of_other_content_is_refused(path):
    buffer = io.BytesIO()
    np.savez(buffer, facts=np.array("no JSON"))
    payload = buffer.getvalue()
    path.write_bytes(b"keras-iresnet state 1\n" + hashlib.sha256(payload).digest() + payload)
    with pytest.raises(StateRefusedError, match="it holds no arrays of a training"):
        read_state(path)
