"""Messages of Pulumi's `ResourceProvider` service in, messages out: one provider instance as the engine sees it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import empty_pb2

from harness.protostubs import load
from harness.providers import contract, paths, wire
from harness.providers.contract import Inspectable, PartialError, ProviderError
from harness.providers.flights import Flight
from harness.providers.seen import Seen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.providers.contract import Checked, Package, Props, Provider, ResourceState
    from harness.providers.journal import JournalWriter

_pb, _plugin = load("provider_pb2", "plugin_pb2")

# Configuration that is the engine's own affair: sdk/go/common/resource/plugin/provider_plugin.go and
# pkg/resource/deploy/providers/registry.go. It is kept in the checked configuration and never shown to a package.
_ENGINE_CONFIG: Final = frozenset({"version", "pluginDownloadURL", "pluginChecksums", "parameterization", "__internal"})


class Door:
    """One provider instance as the engine sees it. `journal` is None where nothing may be written down.

    What is secret of all that passes is kept in `seen`, which the instances of a process share.
    """

    def __init__(self, package: Package, journal: JournalWriter | None, seen: Seen | None = None) -> None:
        self._package = package
        self._journal = journal
        self._seen = seen if seen is not None else Seen()
        self._provider: Provider | None = None
        self._configuring = Flight()

    def handshake(self, _request: Any) -> Any:
        """Say what we understand: secrets, resources and outputs come as plain values (see the contract)."""
        return _pb.ProviderHandshakeResponse()

    def get_plugin_info(self, _request: Any) -> Any:
        """Say the version."""
        return _plugin.PluginInfo(version=self._package.version)

    def attach(self, _request: Any) -> Any:
        """Accept an engine that was told our port instead of starting a launcher."""
        return empty_pb2.Empty()

    def get_schema(self, _request: Any) -> Any:
        """Answer with the bare name: a Python program carries its own types, only other languages need a schema."""
        schema = {"name": self._package.name, "version": self._package.version}
        return _pb.GetSchemaResponse(schema=json.dumps(schema))

    def get_mapping(self, _request: Any) -> Any:
        """Answer that there is none: we came from no other ecosystem."""
        return _pb.GetMappingResponse()

    def get_mappings(self, _request: Any) -> Any:
        """Answer that there are none."""
        return _pb.GetMappingsResponse()

    def check_config(self, request: Any) -> Any:
        """Check the configuration; what is the engine's own in it passes through."""
        inputs = wire.decode(request.news)
        own = {name: value for name, value in inputs.items() if name in _ENGINE_CONFIG}
        checked = self._package.check_config(_without_engine_config(inputs))
        return _pb.CheckResponse(inputs=wire.encode({**checked.inputs, **own}), failures=_failures(checked.failures))

    def diff_config(self, request: Any) -> Any:
        """Compare configurations."""
        old = _without_engine_config(wire.decode(request.old_inputs))
        new = _without_engine_config(wire.decode(request.news))
        return _diff(self._package.diff_config(old, new), request, {*old, *new})

    def configure(self, request: Any) -> Any:
        """Make the provider instance."""
        self._seen.note(wire.secrets(request.args))
        with Flight().aboard() as self._configuring:  # it may ask the target who we are
            self._provider = self._package.configure(_without_engine_config(wire.decode(request.args)))
        return _pb.ConfigureResponse(supportsPreview=True)

    def check(self, request: Any) -> Any:
        """Check the inputs of a resource."""
        inputs = wire.decode(request.news)
        self._seen.keep(request.urn, inputs)
        checked: Checked = self._configured().check(
            contract.CheckRequest(
                urn=request.urn,
                type=request.type,
                name=request.name,
                inputs=inputs,
                old_inputs=wire.decode(request.olds),
                seed=request.randomSeed,
            )
        )
        return _pb.CheckResponse(inputs=wire.encode(checked.inputs), failures=_failures(checked.failures))

    def diff(self, request: Any) -> Any:
        """Compare a resource with its new inputs."""
        old, new = wire.decode(request.old_inputs), wire.decode(request.news)
        answer = self._configured().diff(
            contract.DiffRequest(
                urn=request.urn,
                type=request.type,
                id=request.id,
                old_inputs=old,
                old_outputs=wire.decode(request.olds),
                inputs=new,
                ignore_changes=tuple(request.ignoreChanges),
            )
        )
        return _diff(answer, request, {*old, *new})

    def create(self, request: Any) -> Any:
        """Make a resource, or say in a preview what it would be."""
        wanted = contract.CreateRequest(
            urn=request.urn,
            type=request.type,
            name=request.name,
            inputs=wire.decode(request.properties),
            timeout=request.timeout,
            preview=request.preview,
        )
        provider = self._configured()
        if wanted.preview:
            made = provider.create(wanted)
            return _pb.CreateResponse(id=made.id, properties=wire.encode(made.outputs))
        try:
            made = self._journalled(provider, wanted)
        except PartialError as error:
            self._seen.keep(request.urn, error.resource.outputs)
            raise
        self._seen.keep(request.urn, made.outputs)
        return _pb.CreateResponse(id=made.id, properties=wire.encode(made.outputs))

    def _journalled(self, provider: Provider, wanted: contract.CreateRequest) -> ResourceState:
        """Create, with the intent on disk before and the outcome after. An exception of another kind leaves it open."""
        if self._journal is None or not isinstance(provider, Inspectable):
            return provider.create(wanted)
        seq = self._journal.intent(
            urn=wanted.urn,
            type=wanted.type,
            name=wanted.name,
            region=_region(provider, wanted.inputs),
            id=provider.identify(wanted.type, wanted.inputs),
            elsewhere=provider.elsewhere,
        )
        try:
            made = provider.create(wanted)
        except PartialError as error:
            if error.resource.id:
                self._journal.partial(seq, error.resource.id)
            raise
        except ProviderError as error:
            if error.definite:
                self._journal.refused(seq)
            raise
        self._journal.created(seq, made.id)
        return made

    def read(self, request: Any) -> Any:
        """Look at a resource; an empty id says that it is gone."""
        state = self._configured().read(
            contract.ReadRequest(
                urn=request.urn,
                type=request.type,
                id=request.id,
                inputs=wire.decode(request.inputs),
                outputs=wire.decode(request.properties),
            )
        )
        if state is None:
            return _pb.ReadResponse()
        self._seen.keep(request.urn, state.outputs)
        return _pb.ReadResponse(
            id=state.id, properties=wire.encode(state.outputs), inputs=wire.encode(state.inputs or {})
        )

    def update(self, request: Any) -> Any:
        """Change a resource in place."""
        state = self._configured().update(
            contract.UpdateRequest(
                urn=request.urn,
                type=request.type,
                id=request.id,
                old_inputs=wire.decode(request.old_inputs),
                old_outputs=wire.decode(request.olds),
                inputs=wire.decode(request.news),
                timeout=request.timeout,
                preview=request.preview,
            )
        )
        self._seen.keep(request.urn, state.outputs)
        return _pb.UpdateResponse(properties=wire.encode(state.outputs))

    def delete(self, request: Any) -> Any:
        """Remove a resource."""
        provider = self._configured()
        provider.delete(
            contract.DeleteRequest(
                urn=request.urn,
                type=request.type,
                id=request.id,
                inputs=wire.decode(request.old_inputs),
                outputs=wire.decode(request.properties),
                timeout=request.timeout,
            )
        )
        if self._journal is not None and isinstance(provider, Inspectable):
            region = _region(provider, wire.decode(request.properties))
            self._journal.deleted(request.type, request.id, region, request.urn if provider.elsewhere else "")
        return empty_pb2.Empty()

    def invoke(self, request: Any) -> Any:
        """Answer a function call."""
        answer = self._configured().invoke(request.tok, wire.decode(request.args))
        response = _pb.InvokeResponse()
        if isinstance(answer, dict):
            self._seen.keep(request.tok, answer)
            getattr(response, "return").CopyFrom(wire.encode(answer))
        else:
            response.failures.extend(_failures(answer))
        return response

    def cancel(self, _request: Any = None) -> Any:
        """Make in-flight creates return with what they have."""
        self._configuring.cancel()
        if self._provider is not None:
            self._provider.cancel()
        return empty_pb2.Empty()

    def _configured(self) -> Provider:
        if self._provider is None:
            raise ProviderError(f"the bundled provider {self._package.name} was asked before it was configured")
        return self._provider


def _region(provider: Inspectable, values: Props) -> str:
    """Region of one resource: its own where it names one, else the instance's."""
    own = values.get("region")
    return own if isinstance(own, str) and own else provider.region


def _failures(failures: tuple[contract.CheckFailure, ...]) -> list[Any]:
    return [_pb.CheckFailure(property=failure.property, reason=failure.reason) for failure in failures]


def _diff(answer: contract.Diff, request: Any, inputs: set[str]) -> Any:
    changes = {path: kind for path, kind in answer.changes.items() if not paths.under(path, request.ignoreChanges)}
    replacing = {path for path, kind in changes.items() if kind.name.endswith("_REPLACE")}
    return _pb.DiffResponse(
        changes=_pb.DiffResponse.DIFF_SOME if changes else _pb.DiffResponse.DIFF_NONE,
        diffs=sorted({paths.root(path) for path in changes}),
        replaces=sorted({paths.root(path) for path in replacing}),
        deleteBeforeReplace=bool(replacing) and answer.delete_before_replace,
        hasDetailedDiff=True,
        detailedDiff={
            path: _pb.PropertyDiff(kind=kind.value, inputDiff=paths.root(path) in inputs)
            for path, kind in changes.items()
        },
    )


def _without_engine_config(inputs: Mapping[str, Any]) -> Props:
    return {name: value for name, value in inputs.items() if name not in _ENGINE_CONFIG}
