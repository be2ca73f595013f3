"""Environment and `settings.toml` in; what holds for every run here out: accounts, protected stacks, database.

The environment wins over the file, which lies where HARNESS_SETTINGS says, else in the user's configuration directory.
None is needed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import platformdirs
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
)

from harness.errors import ConfigError
from harness.plan.toml_place import refuse_invalid

SETTINGS_VARIABLE: Final = "HARNESS_SETTINGS"
ACCOUNTS_VARIABLE: Final = "HARNESS_AWS_ACCOUNTS"
PROTECTED_VARIABLE: Final = "HARNESS_PROTECTED"
DATABASE_VARIABLE: Final = "HARNESS_DATABASE"
VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    ACCOUNTS_VARIABLE: ("aws", "accounts"),
    PROTECTED_VARIABLE: ("protected",),
    DATABASE_VARIABLE: ("database",),
}
"""Which setting each variable is. Lists are separated by commas; an empty variable says nothing."""
_DRIVER: Final = "postgresql+psycopg"
_ACCOUNTS: Final = 'a list of 12-digit accounts, as in accounts = ["111122223333"]'
_PROTECTED: Final = 'a list of patterns of stack names, as in protected = ["prod*", "*-live"]'
_DATABASE: Final = f"the URL of a PostgreSQL database, as in {_DRIVER}://user@host/name; without one it is SQLite"


def _account(account: str) -> str:
    if len(account) != 12 or not (account.isascii() and account.isdigit()):  # noqa: PLR2004 - as AWS has them
        raise ValueError("is not an account of 12 digits")
    return account


def _no_blank(pattern: str) -> str:
    if not pattern.strip():
        raise ValueError("an empty pattern matches nothing")
    return pattern


class AwsSection(BaseModel):
    """`[aws]`: what `--target aws` may touch."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    accounts: tuple[Annotated[str, AfterValidator(_account)], ...] = Field(default=(), description=_ACCOUNTS)


class SettingsFile(BaseModel):
    """The settings as a whole. `database` may hold a password, and is shown nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    aws: AwsSection = AwsSection()
    protected: tuple[Annotated[str, AfterValidator(_no_blank)], ...] = Field(default=(), description=_PROTECTED)
    database: SecretStr | None = Field(default=None, description=_DATABASE)

    @field_validator("database")
    @classmethod
    def _postgresql(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        scheme, separator, rest = value.get_secret_value().partition("://")
        try:
            place = urlsplit(f"{scheme}://{rest}")
            _ = place.port
        except ValueError:
            raise ValueError("is not a URL") from None  # the text of the cause may repeat a password
        if not separator or scheme not in {"postgresql", _DRIVER} or len(place.path) <= 1:
            raise ValueError("is not the URL of a PostgreSQL database")
        return SecretStr(f"{_DRIVER}://{rest}")

    def protects(self, stack: str) -> str | None:
        """The pattern that protects a stack of this name, if one does. Capitals count."""
        return next((pattern for pattern in self.protected if fnmatchcase(stack, pattern)), None)


def settings_path(environ: Mapping[str, str]) -> Path:
    """Where the file is looked for. Raises ConfigError."""
    if chosen := environ.get(SETTINGS_VARIABLE):
        try:
            return Path(chosen).expanduser().absolute()
        except (RuntimeError, OSError) as error:
            raise ConfigError(
                f"{SETTINGS_VARIABLE}={chosen!r} names no file: {error}", hint="give an absolute path"
            ) from error
    return Path(platformdirs.user_config_dir("harness", appauthor=False)) / "settings.toml"


def read_settings(environ: Mapping[str, str]) -> SettingsFile:
    """The settings that count now. Raises ConfigError naming file (or variable), key and what is allowed."""
    path = settings_path(environ)
    if not _is_there(path, environ) and not any(environ.get(name) for name in VARIABLES):
        return SettingsFile()  # the usual case does not pay for the library
    from harness.plan.settings_sources import Sources

    try:
        return SettingsFile.model_validate(Sources.merged(path, _from_environment(environ)))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}", hint="check the file and its permissions") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}", hint="mend the TOML in that line") from error
    except ValidationError as error:
        raise _refused(path, environ, error) from error


def _is_there(path: Path, environ: Mapping[str, str]) -> bool:
    if path.is_file():
        return True
    if environ.get(SETTINGS_VARIABLE):
        raise ConfigError(f"no file {path}", hint=f"{SETTINGS_VARIABLE} names it: make it, or unset the variable")
    return False


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for name, place in VARIABLES.items():
        text = environ.get(name, "")
        value: Any = text if name == DATABASE_VARIABLE else _listed(text)
        if value:
            _put(settings, place, value)
    return settings


def _listed(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _put(settings: dict[str, Any], place: Sequence[str], value: Any) -> None:
    *tables, key = place
    for table in tables:
        settings = settings.setdefault(table, {})
    settings[key] = value


def _refused(path: Path, environ: Mapping[str, str], error: ValidationError) -> ConfigError:
    """In words of the file, or of the variable that won over it. No value is repeated: it may be a password."""
    loc = error.errors()[0]["loc"]
    for name, place in VARIABLES.items():
        if environ.get(name) and loc[: len(place)] == place:
            message = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
            return ConfigError(f"{name}: {message[0].lower()}{message[1:]}", hint=f"allowed: {_EXPECTED[name]}")
    return refuse_invalid(path, (), SettingsFile, error)


_EXPECTED: Final = {
    ACCOUNTS_VARIABLE: "12-digit accounts, separated by commas",
    PROTECTED_VARIABLE: "patterns of stack names, separated by commas, as in prod*,*-live",
    DATABASE_VARIABLE: _DATABASE,
}
