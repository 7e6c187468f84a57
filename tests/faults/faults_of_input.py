"""Recipes, tables, arrays and pictures at random: each is taken, or refused in words that name it."""

import csv
import dataclasses
import io
import re

import hypothesis
import numpy as np
from fault import Outcome, fault
from hypothesis import strategies as st
from PIL import Image

from keras_iresnet import data
from keras_iresnet.data.own.picture_form import read_picture
from keras_iresnet.runs import resolve
from keras_iresnet.runs.settings import overridable

FEW, MANY = [15], [1000]  # examples
RECIPE = r"`\w+`|field of|dataset|finite|end the run"
TABLE = r"data\.csv|[Cc]olumn|table"
PICTURE = r"picture\.png"
ARRAY = r"data\.np[yz]|Received"
MODELS = ["toy_flow", "digits_flow", "tabular_flow", "digits_classifier", "hybrid_classifier"]


def examples(room, count: int, names: str, strategy, attempt) -> Outcome:
    """How `attempt(value)` ends for values at random: the last refusal, each of which has `names` in its words.

    It is taken for the end of all, which are counted beside it.
    """
    refused, taken = [], 0

    @hypothesis.settings(
        max_examples=count, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    @hypothesis.given(strategy)
    def each(value):
        nonlocal taken
        outcome = room.called(attempt, value)
        assert "Traceback" not in outcome.text, outcome.text
        if outcome.status:
            assert re.search(names, outcome.message), outcome.message
            refused.append(outcome)
        else:
            taken += 1

    each()
    last = refused[-1] if refused else Outcome(0, "", unharmed=True)
    return dataclasses.replace(last, counts=(len(refused), taken))


TEXTS = st.one_of(
    st.text(max_size=12),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.sampled_from(["none", "true", "8,8", "8,,8", "1e999", "nan", "-0", "0x10", "１２", "\x00", "../..", "[1]"]),
)
VALUES = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(TEXTS, max_size=3))


@st.composite
def recipes(draw):
    """A model and overrides, of which most have a known name."""
    name = draw(st.sampled_from(MODELS))
    fields = st.one_of(st.sampled_from(sorted(overridable(name))), st.text(max_size=8))
    return name, draw(st.dictionaries(fields, VALUES, min_size=1, max_size=4))


@fault("input", names=RECIPE, survives="nothing was begun", few=[2], every=MANY)
def recipes_at_random(room, count) -> Outcome:
    """Fields of a recipe have names and values at random; `resolve`, which `train` begins with."""
    return examples(room, count, RECIPE, recipes(), lambda value: resolve(*value))


CELLS = st.one_of(
    st.floats(width=32).map(str),
    st.integers(-5, 5).map(str),
    st.text(max_size=6),
    st.sampled_from(["", "NA", "nan", "inf", "1,5", '"', "\n", "1e40", "=1+1", "\ufeff", "\r", "真"]),
)


@st.composite
def tables(draw):
    """The bytes of a table: rows of cells, ragged at times, at times with a byte that is none of UTF-8."""
    width = draw(st.integers(1, 4))
    numbers = st.floats(-1e3, 1e3, width=32).map(str)
    cells = draw(st.sampled_from([numbers, CELLS]))
    row = st.lists(cells, min_size=width, max_size=width + draw(st.integers(0, 1)))
    text = io.StringIO()
    header = draw(st.one_of(st.just([f"c{i}" for i in range(width)]), st.lists(CELLS, min_size=1, max_size=width)))
    csv.writer(text).writerows([header, *draw(st.lists(row, max_size=30))])
    content = text.getvalue().encode()
    return content + draw(st.sampled_from([b"", b"", b"\xff\xfe", b"\x00"]))


@fault("input", names=TABLE, survives="nothing was begun", few=FEW, every=MANY)
def tables_at_random(room, count) -> Outcome:
    """A `.csv` file has cells at random: numbers, words, nothing, quotes, other alphabets; `data.load`."""
    path = room.new() / "data.csv"

    def read(content):
        path.write_bytes(content)
        splits = data.load(path)
        for split in (splits.train, splits.validation, splits.test):
            assert all(np.isfinite(row.numpy()).all() for row in split)

    return examples(room, count, TABLE, tables(), read)


@st.composite
def damaged(draw, originals):
    """The bytes of a file of a known kind with some of them changed, left out, or put in."""
    content = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        what = draw(st.sampled_from(["set", "cut", "insert", "end"]))
        new = draw(st.binary(min_size=1, max_size=4))
        if what == "end":
            del content[at:]
        else:
            content[at : at + {"set": len(new), "cut": len(new), "insert": 0}[what]] = b"" if what == "cut" else new
    return bytes(content)


def pictures() -> list[bytes]:
    """The bytes of a picture in each of some formats and modes."""
    found = []
    for kind, mode in [
        ("PNG", "L"),
        ("PNG", "P"),
        ("JPEG", "RGB"),
        ("GIF", "P"),
        ("BMP", "RGB"),
        ("TIFF", "I;16"),
        ("WEBP", "RGBA"),
    ]:
        file = io.BytesIO()
        Image.new(mode, (9, 7), 1).save(file, kind)
        found.append(file.getvalue())
    return found


@fault("input", names=PICTURE, survives="nothing was begun", few=FEW, every=MANY)
def pictures_at_random(room, count) -> Outcome:
    """Bytes of a PNG, JPEG, GIF, BMP, TIFF or WebP file are changed at random; `data.load` of its folder."""
    path = room.new() / "picture.png"

    def read(content):
        path.write_bytes(content)
        picture = read_picture(path, (8, 8), 3)
        assert picture.shape == (8, 8, 3)

    return examples(room, count, PICTURE, damaged(pictures()), read)


def arrays() -> list[bytes]:
    """The bytes of arrays of points and of images."""
    found = []
    for write in (np.save, lambda file, x: np.savez(file, x=x), lambda file, x: np.savez_compressed(file, x=x)):
        for x in (np.random.default_rng(0).normal(size=(20, 2)), np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4)):
            file = io.BytesIO()
            write(file, x)
            found.append(file.getvalue())
    return found


@fault("input", names=ARRAY, survives="nothing was begun", few=FEW, every=MANY)
def arrays_at_random(room, count) -> Outcome:
    """Bytes of a `.npy` or `.npz` file are changed at random; `data.load`."""
    folder = room.new()

    def read(content):
        path = folder / ("data.npz" if content.startswith(b"PK") else "data.npy")
        path.write_bytes(content)
        assert all(np.isfinite(row.numpy()).all() for row in data.load(path).train)

    return examples(room, count, ARRAY, damaged(arrays()), read)
