"""Inflicts every fault in all its cases, and writes what came of it: record.json, and the table of docs/reliability.md.

python tests/faults/record.py [NAME ...]     # all faults, or those of these names; takes about an hour
python tests/faults/record.py --table        # the table alone, from the record
"""

import datetime
import importlib
import json
import pathlib
import re
import sys
import tempfile
import time
import traceback

HERE = pathlib.Path(__file__).parent
RECORD, PAGE = HERE / "record.json", HERE.parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- faults: written from the record -->\n", "<!-- faults: end -->"
COLUMNS = ("fault", "what is done", "times", "refused", "unharmed", "what the user reads", "what is there afterwards")
LONGEST = 160  # characters of a message in the table


def inflicted(fault, room) -> dict:
    """What came of a fault in all its cases."""
    started, refused, unharmed, message = time.monotonic(), 0, 0, ""
    for case in fault.every:
        try:
            outcome = fault.inflict(room, case)
            fault.check(outcome)
        except AssertionError as error:
            raise AssertionError(f"{fault.name}: {case!r}: {error}") from error
        counts = outcome.counts or (outcome.status != 0, outcome.status == 0)
        refused, unharmed = refused + counts[0], unharmed + counts[1]
        message = outcome.message if outcome.status else message
        print(f"{fault.name}: {case!r}: {outcome.status} {outcome.message[:100]}", flush=True)
    return {
        "times": refused + unharmed,
        "refused": refused,
        "unharmed": unharmed,
        "message": message.replace(str(room.folder), "/runs"),
        "seconds": round(time.monotonic() - started, 1),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
    }


def table(record: dict) -> str:
    """The faults by group, in Markdown."""
    from fault import FAULTS, GROUPS

    parts = []
    for group, title in GROUPS.items():
        lines = ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
        for fault in FAULTS.values():
            if fault.group == group:
                lines.append(_row(fault, record["faults"].get(fault.name)))
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    return "\n\n".join([f"Recorded on {record['date']}, on {record['machine']}, with {versions}.", *parts])


def _row(fault, found) -> str:
    found = found or {"message": "", **dict.fromkeys(("times", "refused", "unharmed"), "not yet")}
    message = found["message"]
    message = message if len(message) <= LONGEST else message[:LONGEST].rsplit(" ", 1)[0] + " …"
    told = f"`{message.replace('`', '’').replace('|', '/')}`" if message else "–"
    cells = (fault.name, fault.done, found["times"], found["refused"], found["unharmed"], told, fault.survives)
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def rewritten(text: str, record: dict) -> str:
    """A page with the table of a record."""
    parts = re.split(f"{re.escape(BEGIN)}.*?{re.escape(END)}", text, flags=re.S)
    if len(parts) != 2:
        raise ValueError(f"The page must have {BEGIN.strip()} and {END} once. Received: {len(parts) - 1} of them")
    return f"{BEGIN}\n{table(record)}\n\n{END}".join(parts)


def known_record() -> dict:
    """The record so far."""
    return json.loads(RECORD.read_text()) if RECORD.is_file() else {"faults": {}}


def main(names: list[str]) -> int:
    sys.path[:0] = [str(HERE), str(HERE.parent / "helpers")]
    importlib.import_module("faults")  # registers them
    from fault import FAULTS
    from room import Room

    from keras_iresnet.runs.machine import provenance

    failed = []
    if names != ["--table"]:
        machine = provenance.machine()
        with tempfile.TemporaryDirectory() as folder:
            room = Room(pathlib.Path(folder))
            for name in names or FAULTS:
                try:
                    found = inflicted(FAULTS[name], room)
                except Exception:
                    traceback.print_exc()
                    failed.append(name)
                    continue
                known = known_record()  # which another process may have added to
                faults = known["faults"] | {name: found}
                record = {
                    "date": found["date"],
                    "machine": f"{machine['system']}, {machine['cores']} core(s), {machine['memory_gib']} GiB",
                    "versions": provenance.versions(),
                    "faults": {key: faults[key] for key in FAULTS if key in faults},
                }
                RECORD.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    PAGE.write_text(rewritten(PAGE.read_text(), known_record()))
    print(f"did not hold: {', '.join(failed)}" if failed else "all held")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
