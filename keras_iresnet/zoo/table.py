"""The tables of README.md, written from the records of the zoo.

    python -m keras_iresnet.zoo.table README.md

rewrites what stands between `<!-- NAME: written from the records -->` and `<!-- NAME: end -->` in a file, for each
NAME of `TABLES`.
"""

import pathlib
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence

from keras_iresnet.zoo.record import RECORDS, Reached, Record
from keras_iresnet.zoo.registry import Entry, get, list
from keras_iresnet.zoo.released import released_of

_ROOT = pathlib.Path(__file__).parents[2]  # of the repository, which links are relative to
TOYS = "toy_flow"


def zoo_table() -> str:
    """One line a model that ships with the package, those that were trained first.

    Example:
    >>> from keras_iresnet.zoo.table import zoo_table
    >>> print(zoo_table().splitlines()[0])
    | model | data | parameters | reached | test examples | run | weights |
    """
    shipped = [entry for entry in map(get, list()) if entry.record and _file(entry.record).is_file()]
    rows = [_row(entry, entry.record) for entry in sorted(shipped, key=lambda entry: not headline(entry))]
    return markdown(("model", "data", "parameters", "reached", "test examples", "run", "weights"), rows)


def toy_table() -> str:
    """One line for each 2-D toy that a `toy_flow` was trained on.

    Example:
    >>> from keras_iresnet.zoo.table import toy_table
    >>> len(toy_table().splitlines())
    5
    """
    record = get(TOYS).record
    rows = []
    for one in record.reached if record else ():
        beside = f"{one.yardstick.value}, {one.yardstick.of}" if one.yardstick else "–"
        rows.append((_link(one.dataset, record), str(one), beside, _count(one.examples), duration(one)))
    return markdown(("toy", "reached", "to compare with", "test examples", "run"), rows)


TABLES = {"zoo": zoo_table, "toys": toy_table}


def headline(entry: Entry) -> tuple[Reached, ...]:
    """The first figure of each metric that a model reached on the data set of its recipe.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.zoo.table import headline
    >>> [str(figure) for figure in headline(ki.zoo.get("hybrid_classifier"))]
    ['3.61 ± 0.98 % error', '2.263 ± 0.011 bits/dim']
    """
    figures: dict[str, Reached] = {}
    for one in entry.record.on(entry.recipe.dataset) if entry.record else ():
        figures.setdefault(one.metric, one)
    return tuple(figures.values())


def duration(figure: Reached) -> str:
    """How long the run took that a figure is of: all of it, or where that is not known its training.

    Example:
    >>> import keras_iresnet as ki
    >>> from keras_iresnet.zoo.table import duration
    >>> duration(ki.zoo.get("digits_flow").record.reached[0])
    '2 min'
    """
    known = figure.minutes if figure.minutes is not None else figure.training_minutes
    if known is None:
        return "–"
    minutes, seconds = divmod(round(60 * known), 60)
    text = f"{minutes}:{seconds:02d} min" if minutes and seconds else f"{minutes} min" if minutes else f"{seconds} s"
    return text if figure.minutes is not None else f"{text} of training"


def rewritten(text: str, tables: Mapping[str, Callable[[], str]] = TABLES) -> str:
    r"""A text with its tables as the records have them now.

    Args:
        text: with both markers of each table, once.
        tables: NAME -> what makes the table.

    Raises:
        ValueError: the text has not both markers of each table, once.

    Example:
    >>> from keras_iresnet.zoo.table import rewritten
    >>> zoo = "<!-- zoo: written from the records -->\nold\n<!-- zoo: end -->\n"
    >>> toys = zoo.replace("zoo", "toys")
    >>> "old" in rewritten(zoo + toys)
    False
    """
    for name, table in tables.items():
        begin, end = f"<!-- {name}: written from the records -->\n", f"<!-- {name}: end -->"
        parts = re.split(f"{re.escape(begin)}.*?{re.escape(end)}", text, flags=re.S)
        if len(parts) != 2:
            raise ValueError(f"The text must have {begin.strip()} and {end} once. Received: {len(parts) - 1} of them")
        text = f"{begin}\n{table()}\n{end}".join(parts)
    return text


def _row(entry, record):
    """The cells of one model's line."""
    found = headline(entry)
    published = [f"the paper has {', '.join(map(str, record.published))}"] if record.published else []
    cell = ", ".join(map(str, found)) if found else "; ".join(["not trained", *published])
    measured = (_count(found[0].examples), duration(found[0])) if found else ("–", "–")
    sizes = (entry.recipe.dataset, _count(record.parameters))
    return _link(entry.name, record), *sizes, cell, *measured, _cards(entry.name)


def _cards(model):
    """Links to the cards of the weights that come with the package; those of other data are called by them."""
    names = {name: name.removeprefix(f"{model}_") if name != model else "card" for name in released_of(model)}
    return ", ".join(f"[{text}](zoo/{name}/README.md)" for name, text in names.items()) or "–"


def _file(record: Record):
    return RECORDS / f"{record.name}.json"


def _link(name, record):
    return f"[`{name}`]({_file(record).relative_to(_ROOT).as_posix()})"


def _count(number):
    return "–" if number is None else f"{number:,}"


def markdown(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: tuple[str, ...]) -> None:
    """Rewrite the tables of the files that are named."""
    for name in arguments:
        file = pathlib.Path(name)
        file.write_text(rewritten(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
