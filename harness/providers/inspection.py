"""Questions about the target in, answers out, without engine and state: is it there, what has our tags, remove it.

Also what a destroy needs beside the engine: lift what stands in its way, look for what AWS leaves outside any state.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from harness.providers import flights
from harness.providers.contract import Clearable, DeleteRequest, Inspectable, Presence, ProviderError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
        except Exception as error:  # noqa: BLE001 - one question that fails must not cost the answers to the others
            answer, detail = Presence.UNVERIFIED, _said(error)
        return {"presence": answer.value, "detail": detail}

    def find(
        self,
        region: str,
        types: list[str],
        tags: Mapping[str, str | None],
        account: str = "",
        thorough: Sequence[str] = (),
    ) -> dict[str, Any]:
        """List everything of these types that carries all these tags, and which types could be searched, or why not.

        A tag's value None is any value; `unseen` tells of types of which some things refused to be looked at.
        """
        found: list[dict[str, Any]] = []
        searched: list[str] = []
        failed: dict[str, str] = {}
        unseen: dict[str, str] = {}
        for package in sorted({type_.partition(":")[0] for type_ in types}):
            mine = [type_ for type_ in types if type_.startswith(f"{package}:")]
            try:
                instance = self._instance(f"{package}:", region, account)
                if isinstance(instance, Clearable):
                    seen = instance.search(mine, tags, thorough=thorough)
                    several, searched, failed = seen.found, [*searched, *seen.searched], failed | dict(seen.failed)
                    unseen |= seen.unseen
                else:
                    several = instance.find(mine, tags) if instance is not None else []
            except ProviderError as error:  # a package that is not bundled, settings that do not work
                failed |= dict.fromkeys(mine, str(error))
            else:
                found += [asdict(one) for one in several]
        return {"found": found, "searched": searched, "failed": failed, "unseen": unseen}

    def delete(self, region: str, item: Props) -> list[str]:
        """Remove {type, id, outputs, timeout} and wait until it is gone. Says what had stood in its way."""
        instance = self._instance(item["type"], region)
        if instance is None:
            return []
        outputs = item.get("outputs") or {}
        lifted = list(instance.unblock(item["type"], item["id"], outputs)) if isinstance(instance, Clearable) else []
        instance.delete(
            DeleteRequest(
                urn="",
                type=item["type"],
                id=item["id"],
                inputs={},
                outputs=outputs,
                timeout=item.get("timeout") or 0,
                forced=True,
            )
        )
        if self._journal is not None:
            self._journal.deleted(item["type"], item["id"], instance.region)
        return lifted

    def unblock(self, region: str, items: list[Props]) -> list[dict[str, Any]]:
        """Lift what stands in the way of deleting each {type, id, outputs}: in the same order, what, or an error."""

        def one(item: Props) -> dict[str, Any]:
            try:
                instance = self._instance(item["type"], region)
                if not isinstance(instance, Clearable):
                    return {"lifted": []}
                return {"lifted": list(instance.unblock(item["type"], item["id"], item.get("outputs") or {}))}
            except Exception as error:  # noqa: BLE001 - one that fails must not cost the others
                return {"lifted": [], "error": _said(error)}

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="unblock") as pool:
            return list(pool.map(flights.carried(one), items))

    def remains(self, region: str, asked: Props) -> list[dict[str, Any]]:
        """What is left of each item outside any state: in the same order, `found`, or an `error`."""

        def one(item: Props) -> dict[str, Any]:
            try:
                instance = self._instance(item["type"], region)
                if not isinstance(instance, Clearable):
                    return {"found": []}
                left = instance.remains(
                    item["type"],
                    item["id"],
                    item.get("outputs") or {},
                    since=asked["since"],
                    blocking=asked["blocking"],
                    remove=asked["remove"],
                )
                return {"found": list(left.found)}
            except Exception as error:  # noqa: BLE001 - one that fails must not cost the others
                return {"found": [], "error": _said(error)}

        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="remains") as pool:
            return list(pool.map(flights.carried(one), asked["items"]))

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


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, ProviderError) else f"{type(error).__name__}: {error}"
