"""Every fault ends in a clear message, a status other than 0 and with all that was saved, or does no harm."""

import pathlib

import faults  # noqa: F401
import pytest
from fault import FAULTS
from room import Room

ROOT = pathlib.Path(__file__).parents[2]
CASES = {
    kind: [(fault, case) for fault in FAULTS.values() for case in getattr(fault, kind)] for kind in ("few", "every")
}


def ids(cases):
    return [f"{fault.name}: {case}" for fault, case in cases]


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    return Room(tmp_path_factory.mktemp("room"))


@pytest.mark.parametrize(("fault", "case"), CASES["few"], ids=ids(CASES["few"]))
def test_it_ends_clearly(fault, case, room):
    fault.check(fault.inflict(room, case))


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "case"), CASES["every"], ids=ids(CASES["every"]))
def test_it_ends_clearly_in_every_case(fault, case, room):
    fault.check(fault.inflict(room, case))


@pytest.mark.parametrize("fault", [fault for fault in FAULTS.values() if fault.elsewhere], ids=lambda fault: fault.name)
def test_a_fault_without_a_fast_case_here_has_one_elsewhere(fault):
    assert (ROOT / fault.elsewhere).is_file()
