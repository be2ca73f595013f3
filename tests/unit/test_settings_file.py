"""Settings come from the file, the environment wins, and what is malformed is named with its place and no value."""

import random
from pathlib import Path

import pytest

from harness.errors import ConfigError
from harness.plan.make import make_plan
from harness.plan.settings import Settings
from harness.plan.settings_file import SettingsFile, read_settings, settings_path

CANARY = "hunter2canary"
WHOLE = """\
protected = ["prod*", "*-live"]
database = "postgresql://me:secret@db.example/harness"

[aws]
accounts = ["111122223333"]
"""


@pytest.fixture
def read(tmp_path: Path):
    """Reads settings from this text and this environment."""

    def one(text: str, **environ: str) -> SettingsFile:
        path = tmp_path / "settings.toml"
        path.write_text(text)
        return read_settings({"HARNESS_SETTINGS": str(path), **environ})

    return one


def test_without_a_file_defaults_count(tmp_path: Path) -> None:
    """Nobody needs one; nothing is protected, no account is allowed."""
    found = read_settings({"HOME": str(tmp_path)})
    assert (found.aws.accounts, found.protected, found.database) == ((), (), None)
    assert settings_path({}).name == "settings.toml"
    assert settings_path({}).parent.name == "harness"


def test_the_file_says_it_all(read) -> None:
    """The driver of the database is ours to choose, its password nobody's to see."""
    found = read(WHOLE)
    assert found.aws.accounts == ("111122223333",)
    assert found.protected == ("prod*", "*-live")
    assert found.database.get_secret_value() == "postgresql+psycopg://me:secret@db.example/harness"
    assert "secret" not in repr(found)


def test_the_environment_wins_key_by_key(read) -> None:
    """What it does not say, or says empty, the file still does."""
    found = read(WHOLE, HARNESS_AWS_ACCOUNTS="444455556666, 777788889999", HARNESS_PROTECTED="")
    assert found.aws.accounts == ("444455556666", "777788889999")
    assert found.protected == ("prod*", "*-live")
    assert read(WHOLE, HARNESS_PROTECTED="a*,b").protected == ("a*", "b")
    assert "other" in read(WHOLE, HARNESS_DATABASE="postgresql://h/other").database.get_secret_value()


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ('[aws]\naccounts = ["1111"]\n', ":2: aws.accounts[1]: is not an account of 12 digits", "12-digit accounts"),
        ('[aws]\naccount = ["111122223333"]\n', ":2: aws.account: no such key", "accounts"),
        ('\nprotect = ["x"]\n', ":2: protect: no such key", "protected"),
        ('protected = "x"\n', ":1: protected: ", "a list of patterns"),
        ('protected = [""]\n', ":1: protected[1]: an empty pattern", "a list of patterns"),
        (f'database = "mysql://me:{CANARY}@h/x"\n', ":1: database: is not the URL of a PostgreSQL", "postgresql+"),
        (f'database = "postgresql://me:{CANARY}@h:p/x"\n', ":1: database: is not a URL", "postgresql+"),
        (f'database = "{CANARY}"\n', ":1: database: is not the URL", "postgresql+"),
        ("[aws\n", "settings.toml: ", "mend the TOML"),
    ],
)
def test_what_is_malformed_is_named(read, text: str, said: str, hint: str) -> None:
    """File, line, key and what is allowed; never a value, which may be a password."""
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert said in refused.value.message
    assert hint in refused.value.hint
    assert CANARY not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("name", ["HARNESS_AWS_ACCOUNTS", "HARNESS_DATABASE"])
def test_a_malformed_variable_is_named(read, name: str) -> None:
    """The variable, not the file: it won."""
    with pytest.raises(ConfigError) as refused:
        read(WHOLE, **{name: CANARY})
    assert refused.value.message.startswith(f"{name}: ")
    assert refused.value.hint.startswith("allowed: ")
    assert CANARY not in refused.value.message + refused.value.hint


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    """A wrong path would silently protect nothing."""
    with pytest.raises(ConfigError, match="no file"):
        read_settings({"HARNESS_SETTINGS": str(tmp_path / "none.toml")})
    with pytest.raises(ConfigError, match="no file"):
        read_settings({"HARNESS_SETTINGS": str(tmp_path)})


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    """With the file's name."""
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"settings\.toml"):
        read_settings({"HARNESS_SETTINGS": str(path)})


def test_a_pattern_protects_whole_names() -> None:
    """As in a shell; capitals count."""
    settings = SettingsFile(protected=("prod*", "?x"))
    assert settings.protects("prod-1") == "prod*"
    assert settings.protects("ax") == "?x"
    assert settings.protects("a-prod") is None
    assert settings.protects("Prod-1") is None


def test_a_protected_stack_is_never_planned(tmp_path: Path) -> None:
    """It could not be destroyed afterwards."""
    (tmp_path / "Pulumi.yaml").write_text("name: prod-shop\nruntime: python\n")
    (tmp_path / "__main__.py").write_text("x = 1\n")
    asked = lambda **environ: Settings(programs=(), cwd=tmp_path, environ=environ, suffix="a1")  # noqa: E731
    [cell] = make_plan(asked(), random.Random(1)).cells
    assert cell.stack == "prod-shop-a1"
    with pytest.raises(ConfigError, match=r"prod-shop-a1 is protected by the pattern 'prod\*'"):
        make_plan(asked(HARNESS_PROTECTED="x,prod*"), random.Random(1))


def test_the_example_of_the_readme_is_one(read) -> None:
    """Word for word."""
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    [example] = [part.partition("```")[0] for part in readme.split("```toml\n")[1:] if part.startswith("protected")]
    assert read(example).protected == ("prod*",)
