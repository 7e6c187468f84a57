"""Tables are read by names of columns, and what has no density is refused by row and column."""

import numpy as np
import pytest

from keras_iresnet import data

pytest.importorskip("polars")
RNG = np.random.default_rng(0)
HEIGHT, WEIGHT = RNG.normal(170, 10, 60), RNG.normal(70, 5, 60)


def _write(path, **columns):
    lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def table(tmp_path):
    return _write(
        tmp_path / "people.csv",
        height=HEIGHT,
        weight=WEIGHT,
        children=RNG.integers(0, 4, 60),
        country=np.array(["fr", "it"])[RNG.integers(0, 2, 60)],
    )


def rows(split):
    return np.stack(list(split.as_numpy_iterator()))


def test_columns_are_chosen_by_name(table):
    splits = data.load(table, columns=("weight", "height"))
    assert (splits.event_shape, splits.bins, splits.description.columns) == ((2,), None, ("weight", "height"))
    found = np.concatenate([rows(part) for part in (splits.train, splits.validation, splits.test)])
    np.testing.assert_allclose(
        found[np.argsort(found[:, 1])], np.stack([WEIGHT, HEIGHT], -1)[np.argsort(HEIGHT)], rtol=1e-6
    )


def test_a_column_of_classes_is_the_label(table):
    splits = data.load(table, label="country", columns=("height", "weight"), labels=True)
    assert (splits.classes, splits.description.class_names) == (2, ("fr", "it"))


def test_a_target_is_given_all_other_columns(table):
    splits = data.load(table, columns=("height", "weight", "children"), target=("weight",), labels=True)
    assert (splits.event_shape, splits.condition_size, splits.classes) == ((1,), 2, None)
    assert splits.description.condition_columns == ("height", "children")
    weight, others = next(splits.train.as_numpy_iterator())
    row = np.abs(WEIGHT - weight).argmin()
    mean, deviation = splits.description.condition_mean[0], splits.description.condition_deviation[0]
    assert others[0] * deviation + mean == pytest.approx(HEIGHT[row])
    trained = np.stack([others for _, others in splits.train.as_numpy_iterator()])
    np.testing.assert_allclose(trained.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(trained.std(0), 1, atol=1e-5)


def test_few_values_get_noise_as_wide_as_their_steps(table):
    options = {"columns": ("height", "children"), "dequantize": ("children",)}
    splits = data.load(table, **options)
    assert splits.description.grids == {"children": 1.0}
    children = rows(splits.train)[:, 1]
    assert set(np.round(children)) == {0, 1, 2, 3}
    assert len(np.unique(children)) == len(children)
    np.testing.assert_array_equal(rows(data.load(table, **options).train), rows(splits.train))


def test_parquet_is_the_same_table(table):
    import polars

    polars.read_csv(table).write_parquet(table.with_suffix(".parquet"))
    options = {"columns": ("height", "weight")}
    first, second = (rows(data.load(file, **options).train) for file in (table, table.with_suffix(".parquet")))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"Column 'country' .* must hold numbers\..*`label`.*such as '(fr|it)'"),
        ({"label": "country"}, r"Column 'children' .*no bound.*`dequantize`.*Received: 4 different values in 60 rows"),
        ({"columns": ("length",)}, r"`columns` must be columns of .*: height, weight, .* Received: length"),
        ({"label": "country", "columns": ("height",), "target": ("weight",)}, r"`target` must be among the columns"),
        ({"columns": ("height",), "target": ("height",)}, r"`target` must leave columns"),
        (
            {"columns": ("height", "weight"), "bounds": ("weight", 0, 1)},
            r"`bounds` must lie in \(0, 1\). Received: .* in row 1, column 'weight' of .*; 60 such rows",
        ),
        ({"columns": ("height", "weight"), "bounds": ("weight", 1, 0)}, r"`bounds` must be a name and two numbers"),
        ({"columns": ("height", "weight"), "bounds": ("length", 0, 9)}, r"`bounds` must be columns of .*: length"),
        ({"bins": 5}, r"Tables must be read without `bins`"),
    ],
)
def test_what_cannot_be_used_is_refused_with_advice(options, message, table):
    with pytest.raises(ValueError, match=message):
        data.load(table, **options)


@pytest.mark.parametrize("value", ["", "NA", "nan", "1e60"])
def test_a_missing_value_is_refused_by_row_and_column(value, tmp_path):
    weight = [*WEIGHT[:30], value, *WEIGHT[31:]]
    with pytest.raises(ValueError, match=r"finite number.*in row 31, column 'weight' of .*; 1 such"):
        data.load(_write(tmp_path / "a.csv", height=HEIGHT, weight=weight))


def test_what_is_no_table_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("no")
    with pytest.raises(ValueError, match=r"a.parquet must be a table in parquet form"):
        data.load(tmp_path / "a.parquet")
    (tmp_path / "a.csv").write_text("x,y\n")
    with pytest.raises(ValueError, match=r"must hold rows"):
        data.load(tmp_path / "a.csv")
