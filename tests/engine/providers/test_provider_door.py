"""The protocol as the engine speaks it: every call at the gRPC door, and what the real engine makes of the answers."""

import json
import threading
from types import SimpleNamespace

import grpc
import pytest
from google.protobuf import empty_pb2, json_format

from harness.protostubs import load
from harness.providers import wire
from harness.providers.contract import (
    UNKNOWN,
    Change,
    Checked,
    CheckFailure,
    Diff,
    Found,
    PartialError,
    Presence,
    ProviderError,
    ResourceState,
    Secret,
)
from harness.providers.journal import JournalWriter, read_journal
from harness.providers.server import DoorServer

pb, services, status_pb, plugin_pb = load("provider_pb2", "provider_pb2_grpc", "status_pb2", "plugin_pb2")
TYPE = "bench:index:Thing"
URN = f"urn:pulumi:dev::proj::{TYPE}::thing"


class Bench:
    """A provider whose every outcome is asked for by the input `outcome`."""

    region = "here-1"

    def __init__(self):
        self.elsewhere = False
        self.waiting = threading.Event()
        self.cancelled = threading.Event()
        self.seen = []

    def identify(self, _type, inputs):
        return inputs.get("name")

    def presence(self, _type, _id, _outputs):
        return Presence.GONE, ""

    def find(self, _types, _tags):
        return [Found(TYPE, "x", self.region)]

    def check(self, request):
        self.seen.append(request)
        if "bad" in request.inputs:
            return Checked(request.inputs, (CheckFailure("bad", "it is bad"),))
        return Checked({"filled": 1, **request.inputs})

    def diff(self, request):
        self.seen.append(request)
        names = {*request.old_inputs, *request.inputs}
        return Diff(
            {
                name: Change.UPDATE_REPLACE if name == "fixed" else Change.UPDATE
                for name in names
                if request.old_inputs.get(name) != request.inputs.get(name)
            },
            delete_before_replace=True,
        )

    def create(self, request):
        self.seen.append(request)
        if request.preview:
            return ResourceState("", {**request.inputs, "made": UNKNOWN})
        state = ResourceState("id-1", {**request.inputs, "made": "yes", "key": Secret("hush")})
        match request.inputs.get("outcome"):
            case "wait":
                self.waiting.set()
                self.cancelled.wait(30)
                raise PartialError("cancelled while it was starting", state)
            case "partial":
                raise PartialError("it never became ready", state)
            case "refused":
                raise ProviderError("VpcLimitExceeded: no more")
            case "lost":
                raise ProviderError("the answer was lost", definite=False)
            case "bug":
                raise ZeroDivisionError("oh")
            case _:
                return state

    def read(self, request):
        if request.id == "gone":
            return None
        return ResourceState(request.id, {"made": "yes"}, {"outcome": "ok"})

    def update(self, request):
        if request.inputs.get("outcome") == "partial":
            raise PartialError("half-way", ResourceState(request.id, {"half": True}))
        return ResourceState(request.id, request.inputs)

    def delete(self, request):
        self.seen.append(request)

    def invoke(self, token, args):
        return (CheckFailure("a", "no"),) if args.get("bad") else {"token": token, "key": Secret("hush"), "n": 3}

    def cancel(self):
        self.cancelled.set()


class BenchPackage:
    """Makes `Bench` instances, and remembers them with their configurations."""

    name = "bench"
    version = "1.2.3"

    def __init__(self):
        self.instances = []
        self.configs = []

    def check_config(self, inputs):
        self.configs.append(inputs)
        return Checked(inputs, tuple(CheckFailure(name, "no such key") for name in inputs if name == "bad"))

    def diff_config(self, old, new):
        return Diff({} if old == new else {"region": Change.UPDATE_REPLACE})

    def configure(self, config):
        self.configs.append(config)
        self.instances.append(Bench())
        return self.instances[-1]


@pytest.fixture
def bench(tmp_path):
    """A served package: `stub` calls it, `provider` is what it calls, `journal()` what was written down."""
    package, journal = BenchPackage(), JournalWriter(tmp_path / "journal.jsonl")
    server = DoorServer(package, journal)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = services.ResourceProviderStub(channel)
        stub.Configure(pb.ConfigureRequest(args=wire.encode({"region": "x", "version": "1.2.3", "k": Secret("s")})))
        yield SimpleNamespace(
            stub=stub,
            server=server,
            port=server.port,
            package=package,
            provider=package.instances[0],
            provider_seen=lambda: [one for instance in package.instances for one in instance.seen],
            journal=lambda: read_journal(tmp_path / "journal.jsonl"),
        )
    server.close(0)
    journal.close()


def _create(bench, **inputs):
    return bench.stub.Create(
        pb.CreateRequest(urn=URN, name="thing", type=TYPE, properties=wire.encode(inputs), timeout=7)
    )


def _refused(call):
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_capabilities(bench):
    """Secrets, resources and outputs are not wanted, previews are; the version is the package's."""
    assert bench.stub.Handshake(pb.ProviderHandshakeRequest()) == pb.ProviderHandshakeResponse()
    assert bench.stub.Configure(pb.ConfigureRequest()).supportsPreview
    assert bench.stub.GetPluginInfo(empty_pb2.Empty()).version == "1.2.3"
    assert json.loads(bench.stub.GetSchema(pb.GetSchemaRequest()).schema) == {"name": "bench", "version": "1.2.3"}
    assert bench.stub.GetMapping(pb.GetMappingRequest()) == pb.GetMappingResponse()
    assert bench.stub.GetMappings(pb.GetMappingsRequest()) == pb.GetMappingsResponse()
    assert bench.stub.Attach(plugin_pb.PluginAttach(address="x")) == empty_pb2.Empty()


def test_configuration(bench):
    """A package sees its own configuration, secrets bare, and the engine gets its part back."""
    assert bench.package.configs == [{"region": "x", "k": "s"}]
    answer = bench.stub.CheckConfig(pb.CheckRequest(news=wire.encode({"version": "1.2.3", "bad": UNKNOWN})))
    assert wire.decode(answer.inputs) == {"version": "1.2.3", "bad": UNKNOWN}
    assert [failure.property for failure in answer.failures] == ["bad"]
    answer = bench.stub.DiffConfig(
        pb.DiffRequest(old_inputs=wire.encode({"region": "a"}), news=wire.encode({"region": "b", "version": "2"}))
    )
    assert list(answer.replaces) == ["region"]


def test_nothing_works_before_configure():
    """A call before the configuration is an error that names the package."""
    server = DoorServer(BenchPackage(), None)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        error = _refused(lambda: services.ResourceProviderStub(channel).Read(pb.ReadRequest(id="x")))
    server.close(0)
    assert "bench was asked before it was configured" in error.details()


def test_check(bench):
    """Inputs come back filled in, or with what is wrong with them; the seed reaches the package."""
    request = pb.CheckRequest(urn=URN, name="thing", type=TYPE, news=wire.encode({"a": [1]}), randomSeed=b"seed")
    assert wire.decode(bench.stub.Check(request).inputs) == {"a": [1], "filled": 1}
    assert (bench.provider.seen[0].seed, bench.provider.seen[0].name) == (b"seed", "thing")
    answer = bench.stub.Check(pb.CheckRequest(news=wire.encode({"bad": 1})))
    assert [(failure.property, failure.reason) for failure in answer.failures] == [("bad", "it is bad")]


def _diff(bench, old, new, *ignored):
    return bench.stub.Diff(
        pb.DiffRequest(
            id="i",
            urn=URN,
            type=TYPE,
            olds=wire.encode(old),
            old_inputs=wire.encode(old),
            news=wire.encode(new),
            ignoreChanges=ignored,
        )
    )


def test_diff(bench):
    """No change, a change in place and a replacement are told apart, in detail; ignored properties never differ."""
    assert _diff(bench, {"a": 1}, {"a": 1}).changes == pb.DiffResponse.DIFF_NONE
    answer = _diff(bench, {"a": 1, "fixed": 1}, {"a": 2, "fixed": 2})
    assert answer.changes == pb.DiffResponse.DIFF_SOME
    assert (list(answer.diffs), list(answer.replaces), answer.deleteBeforeReplace) == (["a", "fixed"], ["fixed"], True)
    assert {path: change.kind for path, change in answer.detailedDiff.items()} == {
        "a": pb.PropertyDiff.UPDATE,
        "fixed": pb.PropertyDiff.UPDATE_REPLACE,
    }
    assert not _diff(bench, {"a": 1}, {"a": 2}).deleteBeforeReplace
    assert _diff(bench, {"a": 1}, {"a": 2}, "a").changes == pb.DiffResponse.DIFF_NONE


def test_create(bench):
    """What was made comes back with its id and its secrets marked; the journal knows it."""
    answer = _create(bench, name="known", list=[1, {"a": None}])
    assert answer.id == "id-1"
    assert json_format.MessageToDict(answer.properties)["key"] == {wire.SIGNATURE: wire.SECRET, "value": "hush"}
    assert bench.provider.seen[-1].timeout == 7
    [made] = bench.journal().created()
    assert (made.id, made.intent.id, made.intent.region, made.intent.urn) == ("id-1", "known", "here-1", URN)


def test_a_resource_may_have_a_region_of_its_own(bench):
    """The journal says where a resource is, not where its provider is; so does a deletion."""
    _create(bench, region="there-2")
    assert bench.journal().created()[0].intent.region == "there-2"
    request = pb.DeleteRequest(id="id-1", type=TYPE, properties=wire.encode({"region": "there-2"}))
    bench.stub.Delete(request)
    assert bench.journal().standing() == ()


def test_credentials_of_its_own_are_journalled(bench):
    """Of such an instance the journal says that nobody else can ask, and whose deletion it was."""
    bench.provider.elsewhere = True
    _create(bench)
    assert bench.journal().created()[0].intent.elsewhere
    bench.stub.Delete(pb.DeleteRequest(id="id-1", type=TYPE, properties=wire.encode({})))
    assert len(bench.journal().standing()) == 1
    bench.stub.Delete(pb.DeleteRequest(urn=URN, id="id-1", type=TYPE, properties=wire.encode({})))
    assert bench.journal().standing() == ()


def test_preview_is_not_journalled(bench):
    """A preview makes nothing and writes nothing down; what is not known stays unknown."""
    answer = bench.stub.Create(pb.CreateRequest(type=TYPE, properties=wire.encode({"a": UNKNOWN}), preview=True))
    assert wire.decode(answer.properties) == {"a": UNKNOWN, "made": UNKNOWN}
    assert bench.journal().intents == ()


def test_a_partial_create_keeps_id_and_state(bench):
    """The error carries what exists, in the detail where the engine looks for it."""
    error = _refused(lambda: _create(bench, outcome="partial"))
    status = status_pb.Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])
    detail = pb.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert (detail.id, list(detail.reasons)) == ("id-1", ["it never became ready"])
    assert wire.decode(detail.properties)["made"] == "yes"
    [made] = bench.journal().created()
    assert (made.id, made.partial) == ("id-1", True)


@pytest.mark.parametrize(
    ("outcome", "code", "text"),
    [
        ("refused", grpc.StatusCode.INVALID_ARGUMENT, "VpcLimitExceeded: no more"),
        ("lost", grpc.StatusCode.UNKNOWN, "the answer was lost"),
        ("bug", grpc.StatusCode.UNKNOWN, "the bundled provider failed in Create: ZeroDivisionError: oh"),
    ],
)
def test_errors_of_a_create(bench, capsys, outcome, code, text):
    """Only a definite refusal closes the intent; no error shows a traceback, and a bug leaves one in the log."""
    error = _refused(lambda: _create(bench, outcome=outcome))
    assert (error.code(), error.details()) == (code, text)
    assert bool(bench.journal().open_intents()) == (outcome != "refused")
    assert ("Traceback" in capsys.readouterr().err) == (outcome == "bug")


def test_cancel_reaches_creates_in_flight(bench):
    """Creates that wait return with what they have, however many there are, and the instance goes on working."""
    calls = [
        bench.stub.Create.future(pb.CreateRequest(urn=URN, type=TYPE, properties=wire.encode({"outcome": "wait"})))
        for _ in range(100)
    ]
    assert bench.provider.waiting.wait(10)
    bench.stub.Cancel(empty_pb2.Empty(), timeout=10)
    assert all("cancelled while" in _refused(call.result).details() for call in calls)
    assert len(bench.journal().created()) == 100
    assert _create(bench).id == "id-1"


def test_a_door_that_is_closed_lets_creates_say_what_they_have(bench):
    """When the engine is gone, what it asked for is cancelled, and what exists is written down."""
    call = bench.stub.Create.future(pb.CreateRequest(urn=URN, type=TYPE, properties=wire.encode({"outcome": "wait"})))
    assert bench.provider.waiting.wait(10)
    bench.server.close(10)
    assert "cancelled while" in _refused(call.result).details()
    [made] = bench.journal().created()
    assert (made.id, made.partial) == ("id-1", True)


def test_read_update_delete(bench):
    """A resource that is gone has no id; an update may be partial; a deletion is written down."""
    assert bench.stub.Read(pb.ReadRequest(id="gone")).id == ""
    read = bench.stub.Read(pb.ReadRequest(id="i"))
    assert (read.id, wire.decode(read.inputs)) == ("i", {"outcome": "ok"})
    assert wire.decode(bench.stub.Update(pb.UpdateRequest(id="i", news=wire.encode({"a": 2}))).properties) == {"a": 2}
    error = _refused(lambda: bench.stub.Update(pb.UpdateRequest(id="i", news=wire.encode({"outcome": "partial"}))))
    assert "grpc-status-details-bin" in dict(error.trailing_metadata())
    _create(bench)
    bench.stub.Delete(pb.DeleteRequest(id="id-1", type=TYPE, properties=wire.encode({"a": 1}), timeout=5))
    assert (bench.provider.seen[-1].outputs, bench.provider.seen[-1].timeout) == ({"a": 1}, 5)
    assert bench.journal().standing() == ()


def test_invoke(bench):
    """A function answers with values or with what is wrong with its arguments."""
    answer = bench.stub.Invoke(pb.InvokeRequest(tok="bench:index:f", args=wire.encode({})))
    assert wire.decode(getattr(answer, "return")) == {"token": "bench:index:f", "key": "hush", "n": 3}
    answer = bench.stub.Invoke(pb.InvokeRequest(tok="t", args=wire.encode({"bad": True})))
    assert [failure.reason for failure in answer.failures] == ["no"]


@pytest.mark.parametrize(
    ("name", "request_type"),
    [("Parameterize", "ParameterizeRequest"), ("Construct", "ConstructRequest"), ("Call", "CallRequest")],
)
def test_what_is_not_served_is_said(bench, name, request_type):
    """Components and methods of providers are refused with what to do instead."""
    error = _refused(lambda: getattr(bench.stub, name)(getattr(pb, request_type)()))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED
    assert error.details() == f"the bundled provider does not serve {name}; use --provider official"


def test_listing_is_not_served(bench):
    """The stream of `List` is refused like the rest."""
    error = _refused(lambda: list(bench.stub.List(pb.ListRequest())))
    assert error.code() == grpc.StatusCode.UNIMPLEMENTED


@pytest.fixture
def stack(bench, inline_stack):
    """A stack whose engine is attached to the package under test."""
    return inline_stack(PULUMI_DEBUG_PROVIDERS=f"bench:{bench.port}")


def _program(inputs):
    return f"import pulumi; pulumi.CustomResource({TYPE!r}, 'thing', {{'made': None, {inputs}}})"


def _thing(deployment):
    return next((one for one in deployment.get("resources", []) if one["type"] == TYPE), None)


def test_the_engine_keeps_what_is_partial(stack):
    """After a create that was not completed the state has the resource with its id, and destroy removes it."""
    program = _program("'outcome': 'partial'")
    [failed] = stack.do(program, "up")
    assert "it never became ready" in failed["error"]
    deployment, destroyed = stack.do(program, "export", "destroy")
    thing = _thing(deployment)
    assert (thing["id"], thing["outputs"]["made"], thing["initErrors"]) == ("id-1", "yes", ["it never became ready"])
    assert destroyed["changes"] == {"delete": 2}


def test_the_engine_marks_secrets_again(stack):
    """A secret input is a secret output in the state, and so is what the provider says is one."""
    program = _program("'secret': pulumi.Output.secret('hush-1')")
    up, preview, deployment = stack.do(program, "up", "preview", "export")
    assert up["changes"] == {"create": 2}
    assert preview["changes"] == {"same": 2}
    assert "hush" not in stack.stored()
    outputs = _thing(deployment)["outputs"]
    assert outputs["secret"][wire.SIGNATURE] == outputs["key"][wire.SIGNATURE] == wire.SECRET


def test_the_engine_shows_refusals_as_they_are(stack):
    """The user reads the target's own words, and nothing is kept."""
    program = _program("'outcome': 'refused'")
    [failed] = stack.do(program, "up")
    assert "VpcLimitExceeded: no more" in failed["error"]
    [deployment] = stack.do(program, "export")
    assert _thing(deployment) is None


def test_unknowns_of_a_preview_reach_the_next_resource(stack, bench):
    """What one resource will know only when it is made is unknown to the next, in the preview."""
    program = f"""
import pulumi
one = pulumi.CustomResource({TYPE!r}, 'one', {{}})
pulumi.CustomResource({TYPE!r}, 'two', {{'after': one.id}})
"""
    [preview] = stack.do(program, "preview")
    assert preview["changes"] == {"create": 3}
    assert any(request.inputs.get("after") is UNKNOWN for request in bench.provider_seen())
