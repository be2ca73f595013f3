"""Ways to start a process in; children out that end with their call, with their engine, or with this host."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

from harness.hosts.child import Child
from harness.hosts.strays import end_strays


class Family:
    """All children of this process, whichever engine they run for."""

    def __init__(self, spared: Callable[[], Collection[int]] = frozenset) -> None:
        """`spared` gives the process ids of further children that are meant to live on."""
        self.lock = threading.Lock()
        self.children: set[Child] = set()
        self._spared = spared

    def end_strays(self) -> None:
        """End what a program let go of. Policy packs live on, for they have their say after it; and so do others."""
        end_strays(self._is_tended)

    def _is_tended(self, pid: int) -> bool:
        """Whether we started it: packs and programs have a group of their own, what we only ask is in ours."""
        with self.lock:
            if any(child.group == pid for child in self.children):
                return True
        if pid in self._spared():
            return True
        try:
            return os.getpgid(pid) == os.getpgrp()
        except ProcessLookupError:  # it ended meanwhile
            return True


class Tended:
    """The children that run for one engine."""

    def __init__(self, family: Family) -> None:
        self.family = family
        self._own: set[Child] = set()
        self._cancelled = False

    @property
    def cancelled(self) -> bool:
        """Whether the engine is stopping."""
        return self._cancelled

    def begin_anew(self) -> None:
        """Another engine is served from now on."""
        with self.family.lock:
            self._cancelled = False

    @contextmanager
    def child(self, start: Callable[[], Child], context: Any) -> Iterator[Child | None]:
        """Start a child that ends with the gRPC call of `context`; None when it is over already.

        Raises OSError: it cannot be started.
        """
        with self.family.lock:
            child = None if self._cancelled else start()
            if child is not None:
                self._own.add(child)
                self.family.children.add(child)
        if child is None:
            yield None
            return
        try:
            # False when the call is over already; the callback is not called then.
            if not context.add_callback(child.end):
                child.end()
            yield child
        finally:
            with self.family.lock:
                self._own.discard(child)
                self.family.children.discard(child)

    def end_all(self) -> None:
        """End every child, and start no other."""
        with self.family.lock:
            self._cancelled = True
            children = list(self._own)
        enders = [threading.Thread(target=child.end, daemon=True) for child in children]
        for ender in enders:
            ender.start()
        for ender in enders:
            ender.join()
