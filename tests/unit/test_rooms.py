"""The import law: a room imports only what stands left of it, and heavy machinery has one door each."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RANK = {
    "errors": 0,
    "model": 1,
    "protostubs": 1,
    "plan": 2,
    "providers": 3,
    "hosts": 3,
    "world": 4,
    "preflight": 5,
    "policy": 5,
    "probes": 5,
    "diagnosis": 5,
    "run": 6,
    "doctor": 7,
    "sandbox": 7,
    "sweep": 7,
    "report": 8,
    "pytest_plugin": 9,
    "cli": 9,
    "__main__": 10,
}
SOURCES = sorted((ROOT / "harness").rglob("*.py"))
# The process machinery of the Automation API, and the state of its stacks.
AUTOMATION = {"world/automation.py", "world/stack.py"}  # the second for its type only


def imports(source: Path) -> set[str]:
    """Modules that a file imports, lazily or not."""
    found = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(module: str) -> str:
    """The room of `harness.ROOM...`."""
    return [*module.split("."), "", ""][1]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_arrow_runs_against_the_flow(source: Path) -> None:
    """A room imports only what stands left of it in the table above."""
    own = source.relative_to(ROOT / "harness").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    assert own in RANK, f"a new room {own!r} needs a place in the flow"
    for module in imports(source):
        if module.startswith("harness."):
            other = room(module)
            if other in RANK:
                assert RANK[other] <= RANK[own], f"{own} imports {module}"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_automation_api_has_one_door(source: Path) -> None:
    """Only two files of the world start the engine; others at most know its exceptions."""
    name = str(source.relative_to(ROOT / "harness"))
    used = {module for module in imports(source) if module.startswith("pulumi.automation")}
    if name not in AUTOMATION:
        assert all(module.startswith("pulumi.automation.errors") for module in used)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_says_what_goes_in_and_what_comes_out(source: Path) -> None:
    """The first line of a file is its sentence, and no file outgrows its room."""
    text = source.read_text()
    assert ast.get_docstring(ast.parse(text)), "no opening sentence"
    assert text.count("\n") <= 400
