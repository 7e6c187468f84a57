"""The report's page in a real headless browser: every picture is there, sliders move, nothing is complained of."""

import pathlib
import re

import pytest
from browser import needs_browser

from keras_iresnet.report import report
from keras_iresnet.report.exhibits import EXHIBITS

PHONE = 375
PICTURES = """Promise.all([...document.images].map(image => image.decode().then(() => true, () => false)
  .then(decoded => ({alt: image.alt, decoded: decoded, width: image.naturalWidth}))))"""
SHOWN = """[...document.querySelectorAll('.slider')].map(box =>
  [...box.querySelectorAll('img')].filter(image => image.offsetParent !== null && image.getClientRects().length)
  .map(image => image.alt))"""
# Each slider to its other end, as a finger does.
MOVE = """document.querySelectorAll('.slider input').forEach(input => {
  input.value = input.valueAsNumber == input.max ? input.min : input.max;
  input.dispatchEvent(new Event('input', {bubbles: true})); })"""
LUMINANCE = """(() => { const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b; })()"""
# Parts of the page that reach beyond the window and do not scroll in a box of their own.
TOO_WIDE = """[...document.querySelectorAll('main *')].filter(part => {
  if (part.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let box = part; box; box = box.parentElement) if (getComputedStyle(box).overflowX === 'auto') return false;
  return part.offsetParent !== null; }).map(part => part.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def tiny_page(tiny_weights, tmp_path_factory):
    """A page of tiny models: a chart, samples, both sliders, tables, and what is not there."""
    only = ["figure-1", "figure-5", "walks", "table-2"]
    return report(tmp_path_factory.mktemp("tiny"), only=only, weights=tiny_weights, progress=False).paths[0]


def _check(browser, page):
    text = page.read_text(encoding="utf-8")
    browser.open(page.as_uri(), width=PHONE, height=740)
    images = browser.evaluate(PICTURES)
    assert len(images) == text.count("<img ") > 0
    assert not [image for image in images if not image["decoded"] or not image["width"] or len(image["alt"]) < 10]
    assert not re.findall(r'\b(?:src|href)="(?!data:|#|https://arxiv\.org/)', text)
    assert browser.evaluate("document.documentElement.scrollWidth") <= PHONE
    assert browser.evaluate(TOO_WIDE) == []
    before = browser.evaluate(SHOWN)
    assert len(before) == text.count('type="range"') > 0
    browser.evaluate(MOVE)
    after = browser.evaluate(SHOWN)
    assert [len(shown) for shown in before] == [len(shown) for shown in after] == [1] * len(before)
    assert not [one for one, other in zip(before, after, strict=True) if one == other]
    outputs = browser.evaluate("[...document.querySelectorAll('output')].map(one => one.textContent)")
    assert all(outputs)
    assert browser.errors == []


@needs_browser
def test_a_page_of_tiny_models_on_a_phone(browser, tiny_page):
    _check(browser, tiny_page)


@needs_browser
def test_the_page_is_dark_where_that_is_asked_for(browser, tiny_page):
    shades = {}
    for dark in (False, True):
        browser.open(tiny_page.as_uri(), dark=dark)
        filters = browser.evaluate("getComputedStyle(document.querySelector('img.chart')).filter")
        shades[dark] = browser.evaluate(LUMINANCE), filters
    assert shades[False] == (pytest.approx(255), "none")
    assert shades[True][0] < 40
    assert "invert" in shades[True][1]


@needs_browser
@pytest.mark.parametrize(
    ("broken", "by", "complaint"),
    [
        ("frames.forEach", "frame.forEach", "frame is not defined"),
        ("</main>", "</main><script>console.error('oh no')</script>", "oh no"),
        ("</main>", '</main><img alt="a picture" src="elsewhere.png">', "not loaded|ERR_FILE_NOT_FOUND"),
    ],
)
def test_the_check_sees_what_is_broken(broken, by, complaint, browser, tiny_page, tmp_path):
    page = tmp_path / "index.html"
    page.write_text(tiny_page.read_text(encoding="utf-8").replace(broken, by), encoding="utf-8")
    browser.open(page.as_uri())
    assert re.search(complaint, " ".join(browser.errors))


@needs_browser
@pytest.mark.slow
def test_the_whole_page_of_released_weights(browser, tmp_path):
    found = report(tmp_path / "report", progress=False)
    assert [row["exhibit"] for row in found.rows] == [exhibit.name for exhibit in EXHIBITS]
    assert sum(row["seconds"] for row in found.rows) < 30 * 60
    _check(browser, pathlib.Path(found.paths[0]))
