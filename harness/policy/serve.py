"""The engine's calls in, the violations of our rules out: a CrossGuard pack over the SDK's own server.

The SDK decodes a resource anew for every rule, takes the marks of secrets off, and drops the stack's configuration. Our
analyzer reads each resource once, with its marks, and keeps the configuration; all else is the SDK's.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, NoReturn

import grpc
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, PolicyConfigSchema, PolicyPack, ResourceValidationPolicy, proxy
from pulumi_policy import policy as sdk

from harness.policy import PACK_NAME
from harness.policy.rule import UNKNOWN, Params, Resource, Rule, StackFacts, json_schema, make_params
from harness.policy.rules import RULES

SUFFIX_VARIABLE: Final = "ENVIRONMENT_SUFFIX"
SUFFIX_KEY: Final = "environmentSuffix"
# How Pulumi marks a secret on the wire: sdk/go/common/resource/properties.go of the engine.
_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
_SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a mark, not a secret
_UNKNOWN: Final = frozenset(value for name, value in vars(proxy).items() if name.startswith("UNKNOWN_"))
_ALL: Final = "all"  # a level for all rules, which the engine has laid on each of them already
_LEVELS: Final = {
    EnforcementLevel.ADVISORY: analyzer_pb2.ADVISORY,
    EnforcementLevel.MANDATORY: analyzer_pb2.MANDATORY,
}


class Analyzer(sdk._PolicyAnalyzerServicer):  # noqa: SLF001 - the SDK has no public way to what is on the wire
    """The SDK's analyzer, with our reading of resources."""

    def __init__(self, *args: Any, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._stack = StackFacts(suffix=os.environ.get(SUFFIX_VARIABLE) or None)
        self._levels = {name: EnforcementLevel(rule.level) for name, rule in RULES.items()}
        self._params: dict[str, Params] = {name: rule.params() for name, rule in RULES.items()}

    def ConfigureStack(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Learn whose stack it is. The pack runs in the program's directory, or in its own where that is not known."""
        config = dict(request.config)
        here = Path.cwd()
        self._stack = StackFacts(
            suffix=self._stack.suffix or config.get(f"{request.project}:{SUFFIX_KEY}") or None,
            config=config,
            secret_keys=frozenset(request.config_secret_keys),
            sources=None if (here / "PulumiPolicy.yaml").exists() else here,
        )
        return super().ConfigureStack(request, context)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Levels and parameters; a rule or parameter that is not there is refused by name."""
        for name, given in request.policyConfig.items():
            if name == _ALL:
                continue
            if name not in RULES:
                _refuse(context, f"pack {PACK_NAME} has no rule {name!r}; it has: {', '.join(RULES)}")
            try:
                self._params[name] = make_params(RULES[name], decode(given.properties)[0])
            except (ValueError, TypeError) as error:
                _refuse(context, str(error))
            self._levels[name] = self._convert_enforcement_level(given.enforcementLevel)
        return super().Configure(request, context)  # type: ignore[no-untyped-call]  # the SDK's own

    def Analyze(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Judge one resource by every rule that is not disabled."""
        response = analyzer_pb2.AnalyzeResponse()
        resource = read_resource(request, self._stack)
        for name, rule in RULES.items():
            level = _LEVELS.get(self._levels[name])
            if level is None:
                continue
            try:
                causes = rule.violations(resource, self._params[name])
            except Exception as error:  # noqa: BLE001 - whatever a rule does wrong, it must not pass for passed
                context.abort(
                    grpc.StatusCode.INTERNAL,
                    f"rule {name} of pack {PACK_NAME} broke on {request.urn}: {type(error).__name__}: {error}",
                )
            response.diagnostics.extend(
                analyzer_pb2.AnalyzeDiagnostic(
                    policyName=name,
                    policyPackName=PACK_NAME,
                    policyPackVersion="",  # the engine takes it from PulumiPolicy.yaml
                    message=f"{rule.description}\n{cause}\n{rule.remedy}",
                    urn=request.urn,
                    description=rule.description,
                    enforcementLevel=level,
                )
                for cause in causes
            )
        return response

    def Remediate(self, request: Any, context: Any) -> Any:  # noqa: N802 - gRPC names it
        """Nothing: no rule of ours changes a resource. The SDK would decode it to find that out."""
        del request, context
        return analyzer_pb2.RemediateResponse()


def _refuse(context: Any, message: str) -> NoReturn:
    context.abort(grpc.StatusCode.INVALID_ARGUMENT, message)
    raise AssertionError("abort does not return")


def read_resource(request: Any, stack: StackFacts) -> Resource:
    """The resource of an AnalyzeRequest."""
    props, secret = decode(request.properties)
    return Resource(
        type=request.type,
        name=request.name,
        props=props,
        urn=request.urn,
        protect=request.options.protect,
        provider=decode(request.provider.properties)[0] if request.HasField("provider") else None,
        secret=frozenset(secret),
        stack=stack,
    )


def decode(struct: Any) -> tuple[dict[str, Any], set[str]]:
    """A protobuf Struct as plain values, with UNKNOWN for unknown ones, and the paths of the secret ones."""
    secret: set[str] = set()
    return {key: _value(value, key, secret) for key, value in struct.fields.items()}, secret


def _value(value: Any, path: str, secret: set[str]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWN else value.string_value
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET:
            secret.add(path)
            return _value(fields["value"], path, secret)
        return {key: _value(one, f"{path}.{key}", secret) for key, one in fields.items()}
    if kind == "list_value":
        return [_value(one, f"{path}[{index}]", secret) for index, one in enumerate(value.list_value.values)]
    return {"bool_value": value.bool_value, "number_value": value.number_value}.get(kind)


def serve() -> None:
    """Serve the pack until the engine ends it."""
    sdk._PolicyAnalyzerServicer = Analyzer  # type: ignore[misc]  # noqa: SLF001 - PolicyPack makes what it finds there
    PolicyPack(PACK_NAME, [_described(rule) for rule in RULES.values()])


def _described(rule: Rule) -> ResourceValidationPolicy:
    """The rule as the SDK tells the engine of it."""
    return ResourceValidationPolicy(
        rule.name,
        rule.description,
        validate=_not_by_the_sdk,
        enforcement_level=EnforcementLevel(rule.level),
        config_schema=PolicyConfigSchema(properties=json_schema(rule.params)),
    )


def _not_by_the_sdk(*_given: Any) -> None:
    raise RuntimeError("this pulumi-policy does not use our analyzer; install the version that the harness pins")
