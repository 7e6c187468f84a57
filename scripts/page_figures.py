"""Writes the measured numbers in the prose of README.md and docs/ from their records: `python scripts/page_figures.py`.

zoo/figures/PAGE.json has the `claims` of a page and its `settings`. A claim is

    says      words of the page, or a list of them, with a place for each number: "{a[reached][0][value]:.3f} bits/dim"
    from      files of the repository, each by a letter, whose JSON the places name; or, where no file has the numbers,
    values    the numbers themselves, "{0} s", with `commands`, `commit` and `machine`, null where they are not known,
              and `entered`, the commit and the day with which the words came into the repository
    derived   numbers that follow from those of files: {"ratio": ["{a[slow]}", "/", "{b[fast]}"]}, in the place {ratio}

`settings` are words of the page whose numbers are not measured here: set, defined, counted or published.
"""

import json
import operator
import pathlib
import re
import string
from collections.abc import Iterator
from typing import Any

ROOT = pathlib.Path(__file__).parents[1]
KEPT = ROOT / "zoo" / "figures"
PAGES = {path.stem: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}

_OPERATORS = {"/": operator.truediv, "-": operator.sub, "+": operator.add}
_PLACE = r"(?<![\d.,])([-+]?\d+(?:[.,:]\d+)*(?:e-?\d+)?)"
_NUMBER = r"(?<![\w.,-])[-+]?\d+(?:[.,:]\d+)*(?:e-?\d+)?"
_NUMBERS = rf"{_NUMBER}(?:(?:\sto|,|\sand|\sor|\sagainst|\sin\splace\sof)\s{_NUMBER})*"
_UNITS = (
    r"(?:±|%|bits/dim\b|nats\b|per\scent\b|(?:CPU\s)?seconds?\b|milliseconds?\b|minutes?\b|hours?\b|days?\b|times\b"
    r"|products\b|(?:ms|s|min|GFLOP|TFLOP|[KMGT]i?B)\b)"
)
# Numbers before a unit or an error, ranges and decimals in brackets, and cells of tables but the first of a row.
_MEASURED = (
    rf"{_NUMBERS}[\s-]?(?={_UNITS})|±\s{_NUMBER}|\({_NUMBER}\sto\s{_NUMBER}\)|\(\d+\.\d+\)"
    rf"|(?<=[^\n]\|)\s{_NUMBERS}(?=[^|\n]*\|)"
)
# Code, what is written between markers, and where links lead.
_HIDDEN = (
    r"(?ms)^```.*?^```",
    r"(?s)<!-- (\S+): written from the records? -->.*?<!-- \1: end -->",
    r"`[^`]*`",
    r"\]\([^)]*\)",
)


class _Format(string.Formatter):
    """Numbers as the pages have them: 3e-5, not 3e-05."""

    def format_field(self, value: Any, format_spec: str) -> str:
        return re.sub(r"e(-?)\+?0*(?=\d)", r"e\1", super().format_field(value, format_spec))


_FORMAT = _Format()


def kept(page: str) -> dict[str, Any]:
    """Claims and settings of a page, none where there is no file."""
    path = KEPT / f"{page}.json"
    return json.loads(path.read_text()) if path.is_file() else {"claims": [], "settings": []}


def rewritten(text: str, claims: list[dict[str, Any]]) -> str:
    """The page with the numbers that the records have. Words that are not there, once, are a `ValueError`."""
    replaced = [span for claim in claims for span in _places(text, claim)]
    for start, end, number in sorted(replaced, reverse=True):
        text = text[:start] + number + text[end:]
    return text


def unrecorded(text: str, claims: list[dict[str, Any]], settings: list[str]) -> list[str]:
    """Each measured number that is in no place of a claim and not among the settings, with its line."""
    covered = [(start, end) for claim in claims for start, end, _ in _places(text, claim)]
    for words in settings:
        found = [match.span() for match in re.finditer(_words(words), text)]
        if not found:
            raise ValueError(f"The page must have these words among its settings. Received: {words!r}")
        covered += found
    return [
        f"line {text.count(chr(10), 0, start) + 1}: {text[max(0, start - 30) : end + 20]!r}"
        for start, end in _measured(text)
        if not any(first <= start and end <= last for first, last in covered)
    ]


def _measured(text: str) -> list[tuple[int, int]]:
    for pattern in _HIDDEN:
        text = re.sub(pattern, lambda match: re.sub(r"[^\n]", "\0", match[0]), text)
    found = set()
    for match in re.finditer(rf"(?={_MEASURED})", text):  # may overlap: 2 ± 1 s
        whole = re.compile(_MEASURED).match(text, match.start())
        found |= {number.span() for number in re.compile(_NUMBER).finditer(text, *whole.span())}
    return sorted(found)


def _places(text: str, claim: dict[str, Any]) -> Iterator[tuple[int, int, str]]:
    """Start and end of each number of a claim in the page, and what its record has there."""
    records = {letter: json.loads((ROOT / file).read_text()) for letter, file in claim.get("from", {}).items()}
    values = claim.get("values", [])
    for name, (left, sign, right) in claim.get("derived", {}).items():
        left, right = (float(_FORMAT.vformat(side, values, records)) for side in (left, right))
        records[name] = _OPERATORS[sign](left, right)
    for says in [claim["says"]] if isinstance(claim["says"], str) else claim["says"]:
        parts = list(_FORMAT.parse(says))
        places = [f"{{{field}:{spec}}}" for _, field, spec, _ in parts if field is not None]
        pattern = "".join(_words(words) + (_PLACE if field is not None else "") for words, field, _, _ in parts)
        found = list(re.finditer(pattern, text))
        if len(found) != 1:
            raise ValueError(f"The page must have these words once. Received: {says!r}, {len(found)} times")
        for group, place in enumerate(places, start=1):
            yield *found[0].span(group), _FORMAT.vformat(place, values, records)


def _words(words: str) -> str:
    """A pattern of words, wherever their lines end."""
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", words))


def main() -> None:
    for page, path in PAGES.items():
        path.write_text(rewritten(path.read_text(), kept(page)["claims"]))


if __name__ == "__main__":
    main()
