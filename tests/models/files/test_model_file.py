import keras
import pytest
import small_flows

from keras_iresnet.models.files.model_file import load_checkpoint


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "best.keras"
    small_flows.point_flow().save(path)
    return path.read_bytes()


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 255 for byte in content[middle : middle + 40]) + content[middle + 40 :]


WRONG = {
    "cut short": (lambda content: content[: len(content) // 2], r"best.keras: it is cut short"),
    "empty": (lambda content: b"", r"best.keras: it is no archive of Keras \(0 bytes\)"),
    "something else": (lambda content: b"hello" * 99, r"best.keras: it is no archive of Keras \(495 bytes\)"),
    "damaged": (flipped, r"whole `.keras` file. Received: .*best.keras: .*(CRC|damaged|Bad|Error|magic)"),
}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_said_what_is_wrong_with_a_file(name, content, tmp_path):
    change, message = WRONG[name]
    (tmp_path / "best.keras").write_bytes(change(content))
    with pytest.raises(ValueError, match=message):
        load_checkpoint(tmp_path / "best.keras")


def test_a_whole_one_is_loaded_and_a_missing_one_named(content, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"best\.keras"):
        load_checkpoint(tmp_path / "best.keras")
    (tmp_path / "best.keras").write_bytes(content)
    assert load_checkpoint(tmp_path / "best.keras").event_shape == (2,)


def test_another_kind_of_model_is_refused(tmp_path):
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "best.keras")
    with pytest.raises(ValueError, match=r"a model of this package\. Received: .*best.keras, of a keras.*Sequential"):
        load_checkpoint(tmp_path / "best.keras")
