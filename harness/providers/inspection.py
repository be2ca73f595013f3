"""Questions about the target in, answers out, without engine and state: is it there, what has our tags, remove it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.providers import flights
from harness.providers.contract import DeleteRequest, Inspectable, Presence, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.providers.contract import Package, Props
    from harness.providers.journal import JournalWriter

_AT_ONCE = 16  # questions; an emulator answers one at a time anyway, AWS throttles describe calls


class Inspection:
    """Provider instances of our own, one per package, region and account, apart from those of the engine."""

    def __init__(self, packages: Callable[[str, str], Package], journal: JournalWriter | None) -> None:
        """`packages` gives a package by its name and, for an emulator, an account; the empty one is the cell's own."""
        self._packages = packages
        self._journal = journal
        self._instances: dict[tuple[str, str, str], Inspectable | None] = {}
        self._lock = threading.Lock()

    def presence(self, region: str, items: list[Props]) -> list[dict[str, str]]:
        """Ask about each item {type, id, outputs}; the answers have the same order."""
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="presence") as pool:
            return list(pool.map(flights.carried(lambda item: self._presence(region, item)), items))

    def _presence(self, region: str, item: Props) -> dict[str, str]:
        try:
            instance = self._instance(item["type"], region)
            if instance is None:
                return {"presence": Presence.GONE.value, "detail": "exists nowhere but in the state"}
            answer, detail = instance.presence(item["type"], item["id"], item.get("outputs") or {})
        except ProviderError as error:
            answer, detail = Presence.UNVERIFIED, str(error)
        except Exception as error:  # noqa: BLE001 - one question that fails must not cost the answers to the others
            answer, detail = Presence.UNVERIFIED, f"{type(error).__name__}: {error}"
        return {"presence": answer.value, "detail": detail}

    def find(
        self, region: str, types: list[str], tags: Mapping[str, str | None], account: str = ""
    ) -> list[dict[str, Any]]:
        """List everything of these types that carries all these tags; None is any value."""
        found: list[dict[str, Any]] = []
        for package in sorted({type_.partition(":")[0] for type_ in types}):
            instance = self._instance(f"{package}:", region, account)
            if instance is not None:
                mine = [type_ for type_ in types if type_.startswith(f"{package}:")]
                found += [asdict(one) for one in instance.find(mine, tags)]
        return found

    def delete(self, region: str, item: Props) -> None:
        """Remove {type, id, outputs, timeout} and wait until it is gone."""
        instance = self._instance(item["type"], region)
        if instance is None:
            return
        instance.delete(
            DeleteRequest(
                urn="",
                type=item["type"],
                id=item["id"],
                inputs={},
                outputs=item.get("outputs") or {},
                timeout=item.get("timeout") or 0,
            )
        )
        if self._journal is not None:
            self._journal.deleted(item["type"], item["id"], instance.region)

    def _instance(self, type_: str, region: str, account: str = "") -> Inspectable | None:
        """Provider instance that can be asked, or None for a package that makes nothing at the target."""
        name = type_.partition(":")[0]
        with self._lock:
            key = (name, region, account)
            if key not in self._instances:
                config: dict[str, Any] = {"region": region} if region else {}
                provider = self._packages(name, account).configure(config)
                self._instances[key] = provider if isinstance(provider, Inspectable) else None
            return self._instances[key]
