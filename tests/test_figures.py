"""The measured numbers in the prose and the hand-written tables of README.md and docs/ are those of their records."""

import copy
import json
import pathlib
import re
import runpy

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture

import keras_iresnet as ki
from keras_iresnet import data

SCRIPT = runpy.run_path(str(pathlib.Path(__file__).parents[1] / "scripts" / "page_figures.py"))
kept, rewritten, unrecorded, PAGES = (SCRIPT[name] for name in ("kept", "rewritten", "unrecorded", "PAGES"))
CLAIMS = [(page, claim) for page in PAGES for claim in kept(page)["claims"]]


@pytest.mark.parametrize("page", PAGES)
def test_numbers_are_those_of_the_records(page):
    text = PAGES[page].read_text()
    assert rewritten(text, kept(page)["claims"]) == text, "python scripts/page_figures.py writes them"


@pytest.mark.parametrize("page", PAGES)
def test_every_measured_number_has_a_record(page):
    missing = unrecorded(PAGES[page].read_text(), **kept(page))
    assert not missing, f"zoo/figures/{page}.json must have these among its claims or settings: {missing}"


def test_records_say_where_their_numbers_come_from():
    assert {path.stem for path in SCRIPT["KEPT"].glob("*.json")} <= set(PAGES)
    shared = [json.loads(path.read_text()) for path in (SCRIPT["KEPT"] / "shared").glob("*.json")]
    for claim in [claim for _, claim in CLAIMS] + shared:
        known = set(claim) - {"says", "derived", "notes"}
        assert known in ({"from"}, {"values", "commands", "commit", "machine", "entered"}), claim


@pytest.mark.parametrize(
    "words",
    ["It took 3.5 s.", "a loss of 2 ± 1", "2.5 and 3 times as long", "2.1 (1.5 to 2.5)", "| blocks | 3.25 |", "14 MiB"],
)
def test_a_new_number_wants_a_record(words):
    found = unrecorded(f"# A page\n\n{words}\n", [], [])
    assert len(found) == len(re.findall(r"[\d.]*\d", words)) - words.startswith("2.1 ")  # 2.1 has no unit
    assert not unrecorded(f"# A page\n\n{words}\n", [], [words])
    assert not unrecorded(f"# A page\n\n```\n{words}\n```\n", [], [])
    assert not unrecorded(f"<!-- a: written from the records -->\n{words}\n<!-- a: end -->\n", [], [])


def test_a_number_that_was_changed_on_the_page_is_written_back():
    text, claims = PAGES["README"].read_text(), kept("README")["claims"]
    changed = text.replace("It reached 2.045", "It reached 2.054")
    assert changed != text
    assert rewritten(changed, claims) == text


def test_a_record_that_was_changed_changes_the_page(tmp_path):
    text, claims = PAGES["README"].read_text(), copy.deepcopy(kept("README")["claims"])
    record = json.loads((SCRIPT["ROOT"] / claims[0]["from"]["a"]).read_text())
    record["reached"][0]["value"] = 1.9
    (tmp_path / "record.json").write_text(json.dumps(record))
    claims[0]["from"]["a"] = str(tmp_path / "record.json")
    assert "It reached 1.900 ± 0.011 bits/dim" in rewritten(text, claims)


@pytest.mark.parametrize("page", [page for page in PAGES if kept(page)["claims"]])
def test_each_number_of_a_claim_is_held(page):
    text, claims = PAGES[page].read_text(), kept(page)["claims"]
    for claim in claims:
        for start, end, number in SCRIPT["_places"](text, claim):
            assert text[start:end] == number
            changed = text[:start] + ("7" if number != "7" else "8") + text[end:]
            assert rewritten(changed, [claim]) == text


@pytest.mark.parametrize("times", [0, 2])
def test_words_that_are_not_there_once_are_refused(times):
    with pytest.raises(ValueError, match=f"'{{0}} s in all', {times} times"):
        rewritten("It took 3 s in all. " * times, [{"says": "{0} s in all", "values": [3]}])


def test_numbers_are_written_as_pages_have_them():
    claim = {"says": "{0:.1e}, {1:.2f}, {2:,} and {half:.2f}", "values": [3e-05, 0.6, 1170]}
    claim["derived"] = {"half": ["{1}", "/", "2"], "unused": ["{half}", "+", "1"]}
    assert rewritten("1, 1,\n1 and 1", [claim]) == "3.0e-5, 0.60,\n1,170 and 0.30"


def test_a_gaussian_with_full_covariance():
    splits = data.load("digits")
    train, test = (
        np.concatenate(list(split.batch(2000).as_numpy_iterator())).reshape(-1, 64)
        for split in (splits.train, splits.test)
    )
    nats = []
    for seed in range(4):  # of the dequantization, which is worth 0.002
        rng = np.random.default_rng(seed)
        noisy, held_out = ((pixels + rng.uniform(size=pixels.shape)) / 17 for pixels in (train, test))
        nats.append(GaussianMixture(1, reg_covar=0).fit(noisy).score(held_out))
    bits = (-np.mean(nats) / 64 + np.log(17)) / np.log(2)
    assert bits == pytest.approx(ki.zoo.get("digits_flow").record.reached[0].yardstick.value, abs=0.005)
