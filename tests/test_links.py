"""Links of all Markdown files of the repository to files and headings of it lead somewhere."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("zoo/**/*.md"), *ROOT.glob(".github/**/*.md")]
)


def _prose(page):
    """A page without its fenced blocks, in which brackets are code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.M | re.S)


def _anchors(page):
    """What GitHub calls the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", _prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _targets(page):
    """Targets of links and pictures, those of other sites apart."""
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"", _prose(page))
    return [one or other for one, other in found if not re.match(r"[a-z]+:", one or other)]


def _leads_somewhere(page, target):
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not anchor or (file.suffix == ".md" and anchor in _anchors(file)))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    assert not [target for target in _targets(page) if not _leads_somewhere(page, target)]


def test_every_page_of_the_docs_is_linked_from_the_readme():
    linked = {target.partition("#")[0] for target in _targets(ROOT / "README.md")}
    assert not [page.name for page in ROOT.glob("docs/*.md") if f"docs/{page.name}" not in linked]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_of_the_repository_that_a_page_names_are_there(page):
    named = re.findall(r"(?<![\w/.])(?:tests|scripts|keras_iresnet|keras_iresnet_cli)/[\w/]+\.\w+", page.read_text())
    assert not [path for path in named if "NAME" not in path and not (ROOT / path).is_file()]
