"""What can be said of a program's sources is said soon, wherever their links lead."""

from pathlib import Path

import pytest

from harness.world.sources import declares_only


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """One that declares what is journaled."""
    folder = tmp_path / "program"
    folder.mkdir()
    (folder / "__main__.py").write_text("import pulumi_aws\n")
    return folder


def test_a_library_that_is_a_link_is_looked_through(program: Path, tmp_path: Path) -> None:
    """Once, though it leads back."""
    (tmp_path / "library").mkdir()
    (tmp_path / "library" / "part.py").write_text("import pulumi_aws\n")
    (program / "library").symlink_to(tmp_path / "library")
    (tmp_path / "library" / "back").symlink_to(program)
    assert declares_only(program, ("aws",))
    (tmp_path / "library" / "part.py").write_text("import pulumi_command\n")
    assert not declares_only(program, ("aws",))


@pytest.mark.parametrize(("folders", "files"), [(600, 0), (3, 100)])
def test_too_much_to_look_through_is_a_no(program: Path, tmp_path: Path, folders: int, files: int) -> None:
    """A link to somewhere with more folders or files than any program has: nothing below is read."""
    for number in range(folders):
        folder = tmp_path / "elsewhere" / f"{number % 20}" / f"{number}"
        folder.mkdir(parents=True)
        for other in range(files):
            (folder / f"{other}.py").write_text("")
    (program / "out").symlink_to(tmp_path / "elsewhere")
    assert not declares_only(program, ("aws",))
