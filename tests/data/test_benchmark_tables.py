"""The tables of MAF's paper, from small files in the layout of the published ones."""

import pickle
import sys
import types

import h5py
import numpy as np
import pytest

from keras_iresnet import data


def rows(split):
    return np.stack(list(split.as_numpy_iterator())).astype(np.float64)


def stored(folder, name, values):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def normals(*shape):
    return np.random.default_rng(0).normal(5, 2, shape)


def test_miniboone_is_split_in_order_and_standardised_by_what_is_not_the_test(tmp_path):
    values = normals(203, 43)
    stored(tmp_path, "miniboone/data.npy", values)
    splits = data.load("maf/miniboone", data_dir=tmp_path)
    train, validation, test = map(rows, (splits.train, splits.validation, splits.test))
    assert (len(train), len(validation), len(test)) == (165, 18, 20)
    known = np.concatenate([train, validation])
    np.testing.assert_allclose([known.mean(0), known.std(0)], [[0] * 43, [1] * 43], atol=1e-5)
    back = np.concatenate([known, test]) * values[:183].std(0) + values[:183].mean(0)
    np.testing.assert_allclose(back, values, rtol=1e-4, atol=1e-4)
    assert (splits.event_shape, splits.bins, splits.name) == ((43,), None, "maf/miniboone")


def test_power_loses_two_columns_and_gets_noise_as_wide_as_its_steps(tmp_path):
    values = np.random.default_rng(1).integers(0, 9, (500, 8)).astype(float)
    values[:, 7] = np.arange(500) / 7
    stored(tmp_path, "power/data.npy", values)
    splits = data.load("maf/power", data_dir=tmp_path)
    found = np.concatenate([rows(splits.train), rows(splits.validation), rows(splits.test)])
    assert found.shape == (500, 6)
    # Each row is found again by its time, the column without noise: only then can the others be compared.
    order = np.argsort(found[:, 5])
    for column, (source, width) in enumerate([(0, 0.001), (2, 0.01), (4, 1.0), (5, 1.0), (6, 1.0)]):
        slope, start = np.polyfit(found[order, column], values[:, source] + width / 2, 1)
        noise = slope * found[order, column] + start - values[:, source]
        assert -0.1 * width < noise.min() < 0.15 * width
        assert 0.85 * width < noise.max() < 1.1 * width
    again = data.load("maf/power", data_dir=tmp_path)
    np.testing.assert_array_equal(rows(again.train), rows(splits.train))


def test_hepmass_keeps_signals_and_columns_of_many_values(tmp_path):
    count, features = 300, 26
    folder = tmp_path / "hepmass"
    folder.mkdir()
    rng = np.random.default_rng(2)
    tables = {}
    for name, more in (("1000_train.csv", ""), ("1000_test.csv", ",")):
        label = rng.integers(0, 2, count)
        values = rng.normal(size=(count, features))
        values[:, [3, 7, 9, 11, 20]] = rng.integers(0, 3, (count, 5))
        tables[name] = values[label == 1]
        lines = [f"{one}.0,{','.join(map(repr, row.tolist()))}{more}" for one, row in zip(label, values, strict=True)]
        header = ",".join(["# label", *(f"f{i}" for i in range(features))])
        (folder / name).write_text("\n".join([header, *lines]) + "\n")
    splits = data.load("maf/hepmass", data_dir=tmp_path)
    kept = np.delete(np.arange(features), [3, 7, 9, 11, 20])
    source, held_out = tables["1000_train.csv"][:, kept], tables["1000_test.csv"][:, kept]
    mean, deviation = source.mean(0), source.std(0, ddof=1)
    train, validation = rows(splits.train), rows(splits.validation)
    assert len(validation) == len(source) // 10
    np.testing.assert_allclose(np.concatenate([train, validation]), (source - mean) / deviation, atol=1e-5)
    np.testing.assert_allclose(rows(splits.test), (held_out - mean) / deviation, atol=1e-5)


def test_bsds300_is_taken_as_it_is(tmp_path):
    (tmp_path / "BSDS300").mkdir()
    parts = {
        name: normals(count, 63).astype("float32") for name, count in (("train", 9), ("validation", 3), ("test", 4))
    }
    with h5py.File(tmp_path / "BSDS300" / "BSDS300.hdf5", "w") as file:
        for name, part in parts.items():
            file[name] = part
    splits = data.load("maf/bsds300", data_dir=tmp_path)
    for name, part in parts.items():
        np.testing.assert_array_equal(rows(getattr(splits, name)), part)


def test_gas_keeps_of_sensors_that_say_the_same_the_last(tmp_path, monkeypatch):
    base = normals(200, 8)
    values = np.concatenate([base[:, :3] + 1e-6, base, -base[:, :1]], 1)  # of the opposite sign they are two

    class Table:  # what is used of a table of pandas
        def drop(self, columns):
            assert columns == ["Meth", "Eth", "Time"]
            return types.SimpleNamespace(to_numpy=lambda dtype: values[:, :-1].astype(dtype))

    monkeypatch.setitem(sys.modules, "pandas", types.SimpleNamespace(read_pickle=lambda file: Table()))
    (tmp_path / "gas").mkdir()
    (tmp_path / "gas" / "ethylene_CO.pickle").write_bytes(pickle.dumps(values))
    splits = data.load("maf/gas", data_dir=tmp_path)
    found = np.concatenate([rows(splits.train), rows(splits.validation), rows(splits.test)])
    np.testing.assert_allclose(found, (base - base.mean(0)) / base.std(0, ddof=1), atol=1e-4)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ValueError, match="pip install pandas"):
        data.load("maf/gas", data_dir=tmp_path)


@pytest.mark.parametrize("name", data.benchmark_tables.names())
def test_without_the_files_it_says_where_they_come_from(name, tmp_path):
    for folder in (tmp_path, None):
        with pytest.raises(FileNotFoundError, match=r"zenodo.org/records/1161203.*Received: data_dir="):
            data.load(f"maf/{name}", data_dir=folder)


def test_another_table_is_refused(tmp_path):
    stored(tmp_path, "miniboone/data.npy", normals(50, 7))
    with pytest.raises(ValueError, match=r"43 columns.*\(41, 7\)"):
        data.load("maf/miniboone", data_dir=tmp_path)
    with pytest.raises(ValueError, match="labelled"):
        data.load("maf/miniboone", data_dir=tmp_path, labels=True)
