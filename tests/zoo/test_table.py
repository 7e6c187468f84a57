"""README.md's tables are those of the records."""

import pathlib
import re

import pytest

import keras_iresnet as ki
from keras_iresnet.zoo import table

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_readme_agrees_with_the_records():
    text = README.read_text()
    assert table.rewritten(text) == text, "python -m keras_iresnet.zoo.table README.md writes its tables"


def test_each_model_has_one_short_line_that_leads_to_its_record():
    lines = table.zoo_table().splitlines()[2:]
    assert len(lines) == len(ki.zoo.list())
    for line in lines:
        name, link = line.split("`")[1], line.split("](")[1].split(")")[0]
        assert (README.parent / link).stem == name
        assert len(re.sub(r"\(\S+\)", "", line)) < 120
    trained = [ki.zoo.get(line.split("`")[1]).record.reached != () for line in lines]
    assert trained == sorted(trained, reverse=True)


def test_every_toy_that_was_measured_stands_beside_what_it_is_compared_with():
    lines = table.toy_table().splitlines()[2:]
    for line, figure in zip(lines, ki.zoo.get("toy_flow").record.reached, strict=True):
        assert all(part in line for part in (figure.dataset, str(figure), str(figure.yardstick.value)))


def test_tables_are_rewritten_between_their_markers_alone(tmp_path):
    file = tmp_path / "page.md"
    file.write_text(README.read_text().replace("178,639", "1").replace("0.011", "0.001") + "178,639\n")
    table.main((str(file),))
    text = file.read_text()
    assert "| 178,639 |" in text
    assert "2.045 ± 0.001 bits/dim on the" in text  # prose is left alone
    assert "2.045 ± 0.011 bits/dim |" in text
    assert text.endswith("178,639\n")


@pytest.mark.parametrize("name", table.TABLES)
def test_a_text_without_a_marker_is_refused(name):
    with pytest.raises(ValueError, match=f"<!-- {name}: end --> once. Received: 0"):
        table.rewritten(README.read_text().replace(f"<!-- {name}: end -->", ""))


@pytest.mark.parametrize(
    ("times", "text"),
    [
        ({"minutes": 0.17}, "10 s"),
        ({"minutes": 30, "training_minutes": 26}, "30 min"),
        ({"minutes": 3.43}, "3:26 min"),
        ({"training_minutes": 15}, "15 min of training"),
        ({}, "–"),
    ],
)
def test_times_are_those_of_the_whole_run_where_they_are_known(times, text):
    figure = ki.zoo.record.Reached(metric="error_percent", value=1.0, unit="% error", **times)
    assert table.duration(figure) == text
