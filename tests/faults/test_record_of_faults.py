"""docs/reliability.md lists the faults of the suite, each recorded in all its cases."""

import faults  # noqa: F401
import pytest
import record
from fault import FAULTS, GROUPS

KNOWN = record.known_record()


def test_every_fault_of_the_suite_is_recorded():
    assert list(KNOWN["faults"]) == list(FAULTS)


@pytest.mark.parametrize("name", KNOWN["faults"])
def test_the_record_is_of_all_cases(name):
    found, fault = KNOWN["faults"][name], FAULTS[name]
    assert found["refused"] + found["unharmed"] == found["times"]
    assert found["times"] == (sum(fault.every) if fault.group == "input" else len(fault.every))
    assert bool(found["message"]) == bool(found["refused"]) or fault.names == "^$"


def test_the_page_is_written_from_the_record():
    page = record.PAGE.read_text()
    assert record.rewritten(page, KNOWN) == page
    assert not [fault.name for fault in FAULTS.values() if f"| {fault.name} |" not in page]
    assert [line for line in page.splitlines() if line.startswith("## ")][-len(GROUPS) :] == [
        f"## {title}" for title in GROUPS.values()
    ]


def test_a_page_without_its_place_is_refused():
    with pytest.raises(ValueError, match="Received: 0 of them"):
        record.rewritten("nothing", KNOWN)
