"""Public functions and methods say what they take and return."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PACKAGES = ("keras_iresnet", "keras_iresnet_cli")
FOLDERS = sorted({path.parent for name in PACKAGES for path in (ROOT / name).rglob("*.py")})


def public_functions(node):
    """Functions and methods of a file that have no private name on their way; not those inside functions."""
    for child in ast.iter_child_nodes(node):
        private = getattr(child, "name", "").startswith("_") and child.name not in ("__init__", "__call__")
        if isinstance(child, ast.FunctionDef) and not private:
            yield child, isinstance(node, ast.ClassDef)
        elif isinstance(child, ast.ClassDef) and not private:
            yield from public_functions(child)


def counted(tree):
    """(what has an annotation, what could have one) among parameters and returns."""
    found = []
    for function, is_method in public_functions(tree):
        arguments = function.args
        static = "staticmethod" in map(ast.unparse, function.decorator_list)
        plain = [*arguments.posonlyargs, *arguments.args][1 if is_method and not static else 0 :]
        extra = [one for one in (arguments.vararg, arguments.kwarg) if one]
        found += [one.annotation is not None for one in [*plain, *arguments.kwonlyargs, *extra]]
        found.append(function.returns is not None)
    return sum(found), len(found)


def test_counting_sees_what_is_missing():
    tree = ast.parse(
        "class A:\n    def f(self, a: int, b): ...\n    def _g(self, c): ...\ndef h(*, d: int) -> int: ..."
    )
    assert counted(tree) == (3, 5)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_nine_in_ten_are_annotated(folder):
    parts = {path.name: counted(ast.parse(path.read_text())) for path in folder.glob("*.py")}
    annotated, all_of_them = (sum(part[i] for part in parts.values()) for i in (0, 1))
    missing = {name: f"{part[1] - part[0]} of {part[1]}" for name, part in parts.items() if part[0] < part[1]}
    assert annotated >= 0.9 * all_of_them, f"missing: {missing}"
