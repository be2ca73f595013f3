"""Our analyzer: what it reads off the wire, and that neither a broken rule nor an unknown setting passes."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel, proxy

from harness.policy import serve
from harness.policy.rule import UNKNOWN, Resource, Rule
from harness.policy.rules import RULES

SECRET = {serve._SIGNATURE: serve._SECRET}


class AbortedError(Exception):
    """The call was refused."""


class Context:
    """A gRPC context that can only refuse."""

    def abort(self, code: grpc.StatusCode, text: str) -> None:
        raise AbortedError(f"{code.name}: {text}")


@pytest.fixture
def analyzer() -> serve.Analyzer:
    """As PolicyPack makes it."""
    rules = [serve._described(rule) for rule in RULES.values()]
    return serve.Analyzer("harness", "0.0.1", rules, EnforcementLevel.ADVISORY)


def request(props: dict[str, Any], type_: str = "aws:s3/bucket:Bucket", **more: Any) -> Any:
    """One resource, as the engine sends it."""
    made = analyzer_pb2.AnalyzeRequest(type=type_, name="it", urn=f"urn:pulumi:d::p::{type_}::it", **more)
    made.properties.update(props)
    return made


plain = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), plain))
def test_plain_values_are_read_as_they_are(props: dict[str, Any]) -> None:
    """Whatever their shape."""
    struct = struct_pb2.Struct()
    struct.update(props)
    assert serve.decode(struct) == (props, set())


@pytest.mark.parametrize("mark", [one for name, one in vars(proxy).items() if name.startswith("UNKNOWN_")])
def test_every_mark_of_an_unknown_value_is_known(mark: str) -> None:
    """The engine has one for each type."""
    made = request({"a": mark, "b": {"c": [mark]}, "d": {**SECRET, "value": mark}})
    assert serve.decode(made.properties)[0] == {"a": UNKNOWN, "b": {"c": [UNKNOWN]}, "d": UNKNOWN}


def test_secrets_are_unwrapped_and_their_places_kept() -> None:
    """Nested ones too."""
    made = request({"a": {**SECRET, "value": "x"}, "b": {"c": [1, {**SECRET, "value": {"d": "y"}}]}, "e": "z"})
    props, secret = serve.decode(made.properties)
    assert props == {"a": "x", "b": {"c": [1, {"d": "y"}]}, "e": "z"}
    assert secret == {"a", "b.c[1]"}


def test_the_suffix_is_the_environments_or_the_projects(
    analyzer: serve.Analyzer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ENVIRONMENT_SUFFIX wins, as it does in the programs."""
    configured = analyzer_pb2.AnalyzerStackConfigureRequest(project="shop", config={"shop:environmentSuffix": "conf"})
    for variable, caught in ((None, "envi"), ("envi", "conf")):
        monkeypatch.delenv("ENVIRONMENT_SUFFIX", raising=False)
        if variable:
            monkeypatch.setenv("ENVIRONMENT_SUFFIX", variable)
        analyzer.__init__("harness", "0.0.1", [serve._described(RULES["required-tags"])], EnforcementLevel.ADVISORY)
        analyzer.ConfigureStack(configured, Context())
        said = analyzer.Analyze(request({"bucket": f"b-{caught}"}), Context())
        assert [one.policyName for one in said.diagnostics] == ["suffix-in-names"]
        assert not analyzer.Analyze(request({"bucket": f"b-{variable or 'conf'}"}), Context()).diagnostics


def configure(analyzer: serve.Analyzer, rule: str, level: int, **properties: Any) -> None:
    """Settings of one rule, as the engine sends them."""
    made = analyzer_pb2.ConfigureAnalyzerRequest()
    made.policyConfig[rule].enforcementLevel = level  # type: ignore[assignment]
    made.policyConfig[rule].properties.update(properties)
    analyzer.Configure(made, Context())


def test_levels_and_parameters_are_those_that_the_engine_sends(analyzer: serve.Analyzer) -> None:
    """A disabled rule is not run; the level is in every violation."""
    bad = request({}, "aws:kms/key:Key")
    [said] = analyzer.Analyze(bad, Context()).diagnostics
    assert (said.policyName, said.enforcementLevel) == ("kms-rotation", analyzer_pb2.MANDATORY)
    configure(analyzer, "kms-rotation", analyzer_pb2.ADVISORY)
    assert analyzer.Analyze(bad, Context()).diagnostics[0].enforcementLevel == analyzer_pb2.ADVISORY
    configure(analyzer, "kms-rotation", analyzer_pb2.ADVISORY, exempt=["it"])
    assert not analyzer.Analyze(bad, Context()).diagnostics
    configure(analyzer, "kms-rotation", analyzer_pb2.DISABLED)
    assert not analyzer.Analyze(bad, Context()).diagnostics


@pytest.mark.parametrize(
    ("rule", "properties", "words"),
    [
        ("kms-rotations", {}, "it has: backup-retention"),
        ("kms-rotation", {"day": 3}, "no parameter 'day'; it has: exempt"),
    ],
)
def test_a_setting_that_is_not_there_is_refused(
    analyzer: serve.Analyzer, rule: str, properties: dict[str, Any], words: str
) -> None:
    """The engine itself lets both through."""
    with pytest.raises(AbortedError, match=words):
        configure(analyzer, rule, analyzer_pb2.MANDATORY, **properties)


def test_a_rule_that_breaks_fails_the_preview(analyzer: serve.Analyzer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named with its resource, and does not pass."""

    def breaks(_resource: Resource, _params: Any) -> list[str]:
        raise ValueError("no such day")

    broken = Rule("kms-rotation", "d.", "r", "mandatory", RULES["kms-rotation"].params, on_naming=False, check=breaks)
    monkeypatch.setitem(RULES, "kms-rotation", broken)
    with pytest.raises(
        AbortedError, match=r"rule kms-rotation of pack harness broke on urn:.*: ValueError: no such day"
    ):
        analyzer.Analyze(request({}), Context())


def test_nothing_is_changed_and_nothing_is_left_to_the_sdk(analyzer: serve.Analyzer) -> None:
    """An SDK that went round our analyzer would find rules that refuse to be asked."""
    assert not analyzer.Remediate(request({}), Context()).remediations
    with pytest.raises(RuntimeError, match="does not use our analyzer"):
        serve._described(RULES["kms-rotation"]).validate(None, None)  # type: ignore[arg-type]
