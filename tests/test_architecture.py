"""docs/architecture.md is true: its table is the contracts', its files are there, the script draws its picture."""

import ast
import pathlib
import re
import runpy
import struct
import tomllib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGE = ROOT / "keras_iresnet"
TEXT = (ROOT / "docs" / "architecture.md").read_text()
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def _table():
    """Room -> (floor, what it may import); the first row, of what lies above the package, is not of a room."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| .*\|$", TEXT, re.M)]
    return {room.strip("`").removesuffix(".py"): (floor, may) for floor, room, _, may in rows[1:] if floor != "top"}


def _floors():
    """Room -> its floor by the contract, the lowest being 1."""
    (layers,) = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    rooms = {number: floor.split("|") for number, floor in enumerate(reversed(layers), 1)}
    return {room.strip().split(".")[1]: str(number) for number, floor in rooms.items() for room in floor}


def _rooms():
    """What the package consists of."""
    folders = {file.parent.name for file in PACKAGE.glob("*/__init__.py")}
    return folders | {file.stem for file in PACKAGE.glob("*.py")} - {"__init__"}


def _imported(room):
    """Rooms that files of a room import, wherever in them."""
    folder = PACKAGE / room
    found = set()
    for file in folder.rglob("*.py") if folder.is_dir() else [folder.with_suffix(".py")]:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "keras_iresnet":
                inside = node.module.split(".")[1:]
                found |= {inside[0]} if inside else {alias.name for alias in node.names}
            elif isinstance(node, ast.Import):
                parts = [alias.name.split(".") for alias in node.names]
                found |= {part[1] for part in parts if part[0] == "keras_iresnet" and len(part) > 1}
    return found & _rooms() - {room}


def test_every_room_is_in_the_table():
    assert set(_table()) == _rooms()


def test_floors_are_those_of_the_contracts():
    table = {room: floor for room, (floor, _) in _table().items()}
    assert table.pop("data") == "apart"
    assert table == _floors()


def test_rows_stand_in_the_order_of_the_floors():
    floors = [int(floor) for floor, _ in _table().values() if floor != "apart"]
    assert floors == sorted(floors, reverse=True)


@pytest.mark.parametrize("room", sorted(_rooms()))
def test_what_a_room_may_import_is_what_it_does(room):
    floor, may = _table()[room]
    imported = _imported(room)
    if may == "nothing of the package":
        assert not imported
        return
    assert may.startswith("the floors below")
    assert ("`data`" in may) == ("data" in imported)
    assert {int(_floors()[other]) for other in imported - {"data"}} <= set(range(1, int(floor)))


def test_rooms_without_data_are_held_to_that():
    (contract,) = [contract for contract in CONTRACTS if contract.get("forbidden_modules") == ["keras_iresnet.data"]]
    assert not [source for source in contract["source_modules"] if "`data`" in _table()[source.split(".")[1]][1]]


@pytest.mark.parametrize("page", ["docs/architecture.md", "docs/extending.md", "CONTRIBUTING.md"])
def test_files_that_are_named_are_there(page):
    named = {path for path in re.findall(r"`((?:[\w.]+/)+[\w.-]*)`", (ROOT / page).read_text())}
    here = {path for path in named if not re.search("NAME|FAMILY", path)}
    assert not [path for path in here if not (ROOT / path).exists() and not (PACKAGE / path).exists()]
    folders = {path.rpartition("/")[0].replace("/FAMILY", "") for path in named - here}
    assert not [folder for folder in folders if not (ROOT / folder).is_dir()]


def test_families_of_layers_are_named():
    (sentence,) = re.findall(r"Families are the folders there: (.*?)\.", TEXT, re.S)
    assert set(re.findall(r"`(\w+)`", sentence)) == {file.parent.name for file in PACKAGE.glob("layers/*/__init__.py")}


def test_the_picture_is_of_rooms_that_are_there_and_the_script_draws_it(tmp_path, monkeypatch):
    script = ROOT / "scripts" / "draw_architecture.py"
    monkeypatch.setattr("sys.argv", [str(script), str(tmp_path / "drawn.png")])
    drawn = runpy.run_path(str(script), run_name="__main__")
    assert {room for *_, room in drawn["BOXES"] if room} <= _rooms()
    sizes = [_size(path) for path in (tmp_path / "drawn.png", ROOT / "docs" / "architecture.png")]
    assert sizes[0] == sizes[1]


def _size(path):
    """Width and height of a PNG file."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG")
    return struct.unpack(">II", content[16:24])
