"""For the site: what stands below a docstring's `Example:`, which is not indented, is shown as code."""

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"\nExample:\n((?:.+\n?)+)")


class Examples(griffe.Extension):
    """Fences the examples before docstrings are parsed."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for each module, class, function and attribute that is collected."""
        if obj.docstring:
            fenced = _EXAMPLE.sub(lambda found: f"\n```pycon\n{found[1].rstrip()}\n```\n", obj.docstring.value)
            obj.docstring.value = fenced
