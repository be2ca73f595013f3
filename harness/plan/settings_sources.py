"""The path of `settings.toml` and what the environment says in; both merged, key by key, out. The first wins.

Apart from the rest because pydantic-settings takes 0.2 s to import, which nobody pays who has no settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Sources(BaseSettings):
    """Merges; it knows no keys of its own, so that whoever validates can say in which of the two one is wrong."""

    model_config = SettingsConfigDict(extra="allow", toml_file=None)

    @classmethod
    def merged(cls, path: Path, environment: dict[str, Any]) -> dict[str, Any]:
        """Tables are merged, values are not. Raises OSError, UnicodeDecodeError and tomllib.TOMLDecodeError."""

        class _Placed(cls):  # type: ignore[valid-type,misc]  # the library takes the path from the class
            model_config = SettingsConfigDict(extra="allow", toml_file=path)

        return dict(_Placed(**environment).model_extra or {})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What the environment says was read from the mapping that was given, not from this process's own."""
        del env_settings, dotenv_settings, file_secret_settings
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101 - what the library makes of keyword arguments
        return init_settings, TomlConfigSettingsSource(settings_cls)
