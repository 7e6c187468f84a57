"""What a fault is: what is damaged, in which cases, and how it must end."""

import dataclasses
import re
from collections.abc import Callable, Sequence
from typing import Any

GROUPS = {
    "files": "Files that are damaged, foreign or hostile",
    "places": "Folders and disks",
    "numbers": "Numbers that are none",
    "processes": "Processes, memory and machines",
    "surroundings": "Clock and locale",
    "input": "Input at random",
}
FAULTS: dict[str, "Fault"] = {}  # name -> fault, in the order of the page


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How one case ended.

    Args:
        status: the exit status.
        text: all that the user reads.
        unharmed: whether all came out as if nothing had been done, as is right after a status of 0.
        counts: how many examples were refused, and how many were not, in a case of many at random.
    """

    status: int
    text: str
    unharmed: bool = False
    counts: tuple[int, int] | None = None

    @property
    def message(self) -> str:
        """The message alone, in one line."""
        return " ".join(self.text.rpartition("Error: ")[2].split())


@dataclasses.dataclass(frozen=True)
class Fault:
    """A fault of the suite.

    Args:
        name: what the page calls it.
        group: of `GROUPS`.
        done: what is done to what, and which command or call has to cope with it.
        survives: what is there afterwards, as `inflict` has checked.
        names: regular expression that every message holds: the file or the layer.
        few: cases of the fast suite.
        every: cases of the record.
        inflict: (room, case) -> `Outcome`; raises AssertionError where something is lost.
        elsewhere: file of the tests that has the fast case, where there are no `few`.
    """

    name: str
    group: str
    done: str
    survives: str
    names: str
    few: Sequence[Any]
    every: Sequence[Any]
    inflict: Callable[[Any, Any], Outcome]
    elsewhere: str | None = None

    def check(self, outcome: Outcome) -> None:
        """Refuse an end that is neither clear nor harmless.

        Raises:
            AssertionError: it is one.
        """
        assert "Traceback" not in outcome.text, outcome.text
        if outcome.status == 0:
            assert outcome.unharmed, f"It ended well, and not as without the fault: {outcome.text}"
        else:
            assert re.search(self.names, outcome.message), f"{outcome.message!r} does not name {self.names!r}"


def fault(group: str, *, survives: str, names: str, few: Sequence[Any] = (), every: Sequence[Any], elsewhere: str = ""):
    """Decorator: a function (room, case) -> `Outcome` becomes a `Fault`; its docstring says what is done."""

    def registered(inflict):
        name, done = inflict.__name__.replace("_", " "), " ".join(inflict.__doc__.split())
        found = Fault(name, group, done, survives, names, few, every, inflict, elsewhere or None)
        assert name not in FAULTS
        assert bool(few) != bool(elsewhere)
        FAULTS[name] = found
        return inflict

    return registered
