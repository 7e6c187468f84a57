"""A pickled table is looked through before anything in it can run."""

import pickle

import numpy as np
import pytest

from keras_iresnet.data.pickled_table import refuse_code


class Marked:
    """What writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("values", [np.arange(6.0).reshape(2, 3), np.array(["a", None], object), slice(1, 2)])
def test_what_a_table_is_made_of_passes(protocol, values, tmp_path):
    (tmp_path / "table.pickle").write_bytes(pickle.dumps(values, protocol))
    refuse_code(tmp_path / "table.pickle")


@pytest.mark.parametrize("protocol", range(6))
def test_code_is_named_and_not_run(protocol, tmp_path):
    mark = tmp_path / "mark"
    (tmp_path / "table.pickle").write_bytes(pickle.dumps([np.zeros(3), Marked(mark)], protocol))
    with pytest.raises(ValueError, match=r"table\.pickle must be a pickled table of numbers\. Received: .* io\.open"):
        refuse_code(tmp_path / "table.pickle")
    assert not mark.exists()


@pytest.mark.parametrize("content", [b"", b"hello", pickle.dumps(np.zeros(99))[:-20]])
def test_what_is_no_pickle_is_named(content, tmp_path):
    (tmp_path / "table.pickle").write_bytes(content)
    with pytest.raises(ValueError, match=r"table\.pickle must be a pickled table"):
        refuse_code(tmp_path / "table.pickle")
