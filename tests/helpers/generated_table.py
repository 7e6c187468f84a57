"""The generated table of `scripts/example_tables.py`."""

import pathlib
import runpy

_SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "example_tables.py"
generated_table = runpy.run_path(str(_SCRIPT))["generated_table"]
