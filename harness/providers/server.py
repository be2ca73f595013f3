"""A package in, a port of 127.0.0.1 out: one gRPC server per provider instance, and what errors look like on it.

Every connection of the engine is one provider instance and gets a port of its own, because requests carry no instance
id.
"""

from __future__ import annotations

import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NoReturn

import grpc
from google.protobuf import any_pb2

from harness.protostubs import load
from harness.providers import wire
from harness.providers.contract import PartialError, ProviderError
from harness.providers.door import Door

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.providers.contract import Package
    from harness.providers.journal import JournalWriter
    from harness.providers.seen import Seen

_pb, _services, _status = load("provider_pb2", "provider_pb2_grpc", "status_pb2")

# More than an engine asks at once, so that Cancel never queues behind creates; threads start only when they are needed.
_WORKERS: Final = 512


class DoorServer:
    """A `Door` on a port of 127.0.0.1, until it is closed."""

    def __init__(self, package: Package, journal: JournalWriter | None, seen: Seen | None = None) -> None:
        self._door = Door(package, journal, seen)
        self._server = grpc.server(
            ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"{package.name}-provider"),
            options=(
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", -1),
                ("grpc.max_send_message_length", -1),
            ),
        )
        _services.add_ResourceProviderServicer_to_server(_servicer(self._door), self._server)
        self.port: int = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def close(self, grace: float) -> None:
        """Cancel what is in flight and let it finish, for at most `grace` seconds."""
        self._door.cancel()
        self._server.stop(grace).wait()


def _servicer(door: Door) -> SimpleNamespace:
    """Methods by the protocol's names."""
    served: dict[str, Callable[[Any], Any]] = {
        "Handshake": door.handshake,
        "GetPluginInfo": door.get_plugin_info,
        "Attach": door.attach,
        "GetSchema": door.get_schema,
        "GetMapping": door.get_mapping,
        "GetMappings": door.get_mappings,
        "CheckConfig": door.check_config,
        "DiffConfig": door.diff_config,
        "Configure": door.configure,
        "Check": door.check,
        "Diff": door.diff,
        "Create": door.create,
        "Read": door.read,
        "Update": door.update,
        "Delete": door.delete,
        "Invoke": door.invoke,
        "Cancel": door.cancel,
    }
    methods = {name: _guarded(name, method) for name, method in served.items()}
    absent = {"Parameterize", "Construct", "Call", "List"}
    return SimpleNamespace(**methods, **{name: _refusing(name) for name in absent})


def _refusing(name: str) -> Callable[[Any, Any], Any]:
    def refuse(_request: Any, context: Any) -> NoReturn:
        text = f"the bundled provider does not serve {name}; use --provider official"
        context.abort(grpc.StatusCode.UNIMPLEMENTED, text)
        raise AssertionError(text)  # abort raises by itself; this tells the type checker

    return refuse


def _guarded(name: str, method: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Turn the contract's errors into gRPC's; `abort` ends the call by raising."""

    def call(request: Any, context: Any) -> Any:
        try:
            return method(request)
        except PartialError as error:
            failure = _initialisation_failure(error)
        except ProviderError as error:
            code = grpc.StatusCode.INVALID_ARGUMENT if error.definite else grpc.StatusCode.UNKNOWN
            failure = (code, str(error), ())
        except Exception as error:  # noqa: BLE001 - a bug in a package must reach the user and must not end the process
            print(f"{name}: unexpected error\n{traceback.format_exc()}", file=sys.stderr, flush=True)
            text = f"the bundled provider failed in {name}: {type(error).__name__}: {error}"
            failure = (grpc.StatusCode.UNKNOWN, text, ())
        code, text, trailing = failure
        context.set_trailing_metadata(trailing)
        return context.abort(code, text)

    return call


def _initialisation_failure(error: PartialError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, bytes], ...]]:
    """Say that the resource exists but is not whole, in the detail in which the engine finds id and state."""
    text, code = str(error), grpc.StatusCode.UNKNOWN
    if not error.resource.id:
        return code, text, ()
    detail = any_pb2.Any()
    detail.Pack(
        _pb.ErrorResourceInitFailed(
            id=error.resource.id,
            properties=wire.encode(error.resource.outputs),
            inputs=wire.encode(error.resource.inputs) if error.resource.inputs else None,
            reasons=[text],
        )
    )
    status = _status.Status(code=code.value[0], message=text, details=[detail])
    return code, text, (("grpc-status-details-bin", status.SerializeToString()),)
