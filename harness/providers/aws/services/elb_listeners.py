"""Elastic Load Balancing: listeners and their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.declare import Call, Item, Resource, Update, words
from harness.providers.aws.services.elb import TAGGING
from harness.providers.aws.shapes import camel, from_api

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_ACTION: Final = (
    "type order targetGroupArn redirect.host redirect.path redirect.port redirect.protocol redirect.query "
    "redirect.statusCode fixedResponse.contentType fixedResponse.messageBody fixedResponse.statusCode "
    "forward.targetGroups.arn forward.targetGroups.weight forward.stickiness.enabled forward.stickiness.duration"
)
_CONDITION: Final = (
    "hostHeader.values hostHeader.regexValues pathPattern.values pathPattern.regexValues httpHeader.httpHeaderName "
    "httpHeader.values httpHeader.regexValues httpRequestMethod.values queryStrings.key queryStrings.value "
    "sourceIp.values"
)
_ANSWERS: Final = {"redirect": "RedirectConfig", "fixedResponse": "FixedResponseConfig"}
_FIELDS: Final = {
    "hostHeader": "host-header",
    "pathPattern": "path-pattern",
    "httpHeader": "http-header",
    "httpRequestMethod": "http-request-method",
    "queryStrings": "query-string",
    "sourceIp": "source-ip",
}


def _upper(name: str) -> str:
    return name[0].upper() + name[1:]


def _members(block: Props) -> Item:
    return {_upper(key): one for key, one in block.items() if one not in (None, "", [])}


def _action(block: Props) -> Item:
    """One action as AWS takes it."""
    result: Item = {"Type": block["type"]}
    if block.get("order"):
        result["Order"] = int(block["order"])
    if block.get("targetGroupArn"):
        result["TargetGroupArn"] = block["targetGroupArn"]
    for name, member in _ANSWERS.items():
        if block.get(name):
            result[member] = {key: str(one) for key, one in _members(block[name]).items()}
    forward = block.get("forward")
    if forward:
        groups = [
            {"TargetGroupArn": one["arn"], **({"Weight": int(one["weight"])} if one.get("weight") is not None else {})}
            for one in forward.get("targetGroups") or []
        ]
        result["ForwardConfig"] = {"TargetGroups": groups}
        if len(groups) == 1:  # the older form of the same, the only one that emulators know
            result["TargetGroupArn"] = groups[0]["TargetGroupArn"]
        sticky = forward.get("stickiness")
        if sticky:
            spoken: Item = {"Enabled": bool(sticky.get("enabled"))}
            if sticky.get("duration"):
                spoken["DurationSeconds"] = int(sticky["duration"])
            result["ForwardConfig"]["TargetGroupStickinessConfig"] = spoken
    return result


def actions(blocks: list[Props]) -> list[Item]:
    """Actions as AWS takes them."""
    return [_action(block) for block in blocks]


def _block(item: Item, asked: Props) -> Props:
    """One action of an answer; AWS tells a plain forward twice, and it is told as the program did."""
    result: Props = {"type": item["Type"]}
    if item.get("Order") and "order" in asked:
        result["order"] = item["Order"]
    for name, member in _ANSWERS.items():
        if item.get(member):
            result[name] = from_api(item[member], {})
    forward = item.get("ForwardConfig") or {}
    groups = [
        {"arn": one["TargetGroupArn"], **({"weight": one["Weight"]} if one.get("Weight") is not None else {})}
        for one in forward.get("TargetGroups") or []
    ]
    if not groups and item.get("TargetGroupArn"):
        groups = [{"arn": item["TargetGroupArn"]}]
    if not groups and asked.get("forward") and item["Type"] == "forward":
        result["forward"] = asked["forward"]  # an emulator keeps nothing of several groups; AWS always tells them
    sticky = forward.get("TargetGroupStickinessConfig") or {}
    if len(groups) == 1 and not asked.get("forward") and not sticky.get("Enabled"):
        result["targetGroupArn"] = groups[0]["arn"]
    elif groups:
        result["forward"] = {"targetGroups": groups}
        if sticky:
            told = {"enabled": bool(sticky.get("Enabled")), "duration": sticky.get("DurationSeconds")}
            result["forward"]["stickiness"] = {key: one for key, one in told.items() if one is not None}
    return result


def blocks(items: list[Item], asked: list[Props] | None) -> list[Props]:
    """Actions of an answer."""
    known = asked or []
    return [_block(item, known[index] if index < len(known) else {}) for index, item in enumerate(items)]


def _before_listener(work: Work, params: Item) -> None:
    params["DefaultActions"] = actions(work.inputs["defaultActions"])
    if work.inputs.get("certificateArn"):
        params["Certificates"] = [{"CertificateArn": work.inputs["certificateArn"]}]


def _make_listener(work: Work) -> str:
    plain = {"LoadBalancerArn": "loadBalancerArn", "Protocol": "protocol", "SslPolicy": "sslPolicy"}
    params: Item = {member: work.inputs[name] for member, name in plain.items() if work.inputs.get(name)}
    if work.inputs.get("port") is not None:
        params["Port"] = int(work.inputs["port"])
    if work.inputs.get("alpnPolicy"):
        params["AlpnPolicy"] = [work.inputs["alpnPolicy"]]
    _before_listener(work, params)
    tags = work.inputs.get("tagsAll") or {}
    if tags:
        params["Tags"] = [{"Key": key, "Value": one} for key, one in tags.items()]
    work.id = str(work.call("CreateListener", **params)["Listeners"][0]["ListenerArn"])
    return work.id


def _modify_listener(work: Work) -> None:
    params: Item = {}
    for name in ("protocol", "sslPolicy"):
        if work.changed(name):
            params[_upper(name)] = work.inputs.get(name)
    if work.changed("port"):
        params["Port"] = int(work.inputs["port"])
    if work.changed("alpnPolicy"):
        params["AlpnPolicy"] = [work.inputs["alpnPolicy"]] if work.inputs.get("alpnPolicy") else ["None"]
    if work.changed("certificateArn") and work.inputs.get("certificateArn"):
        params["Certificates"] = [{"CertificateArn": work.inputs["certificateArn"]}]
    if work.changed("defaultActions"):
        params["DefaultActions"] = actions(work.inputs["defaultActions"])
    work.call("ModifyListener", ListenerArn=work.id, **params)


def _read_listener(work: Work, item: Item, props: Props) -> None:
    props["defaultActions"] = blocks(item.get("DefaultActions") or [], work.inputs.get("defaultActions"))
    certificates = item.get("Certificates") or []
    if certificates:
        props["certificateArn"] = certificates[0].get("CertificateArn")


_LISTENER: Final = "alpnPolicy certificateArn defaultActions port protocol sslPolicy"
_REQUEST: Final = (
    "MtlsClientcert MtlsClientcertIssuer MtlsClientcertLeaf MtlsClientcertSerialNumber MtlsClientcertSubject "
    "MtlsClientcertValidity TlsCipherSuite TlsVersion"
)
_RESPONSE: Final = (
    "AccessControlAllowCredentials AccessControlAllowHeaders AccessControlAllowMethods AccessControlAllowOrigin "
    "AccessControlExposeHeaders AccessControlMaxAge ContentSecurityPolicy StrictTransportSecurity XContentTypeOptions "
    "XFrameOptions"
)
_HEADERS: Final = " ".join(
    (
        *(f"routingHttpRequestXAmzn{name}HeaderName" for name in words(_REQUEST)),
        *(f"routingHttpResponse{name}HeaderValue" for name in words(_RESPONSE)),
    )
)

LISTENER = Resource(
    token="aws:lb/listener:Listener",
    aliases="aws:alb/listener:Listener",
    service="elbv2",
    noun="listener",
    args=f"{_LISTENER} loadBalancerArn",
    refused=f"{_HEADERS} routingHttpResponseServerEnabled mutualAuthentication tcpIdleTimeoutSeconds",
    required="defaultActions loadBalancerArn",
    outputs="arn",
    create_with=_make_listener,
    read=Call("DescribeListeners", {"ListenerArns": ["{id}"]}, at="Listeners[0]"),
    rename={"arn": "ListenerArn"},
    reads={"alpnPolicy": "AlpnPolicy[0]"},
    read_more=_read_listener,
    delete=Call("DeleteListener", {"ListenerArn": "{id}"}),
    updates=(Update(_LISTENER, apply=_modify_listener, on_create=False),),
    nested={"defaultActions": _ACTION},
    computed="port protocol sslPolicy",
    tagging=TAGGING,
    retry_create="CertificateNotFound\nLoadBalancerNotFound",
)


def _conditions(asked: list[Props]) -> list[Item]:
    """Conditions as AWS takes them: each block holds one kind."""
    result = []
    for block in asked:
        for name, field in _FIELDS.items():
            value = block.get(name)
            if not value:
                continue
            config: Item = {"Values": [_members(one) for one in value]} if name == "queryStrings" else _members(value)
            result.append({"Field": field, f"{_upper(name).removesuffix('s')}Config": config})
    return result


def _condition_blocks(items: list[Item]) -> list[Props]:
    names = {field: name for name, field in _FIELDS.items()}
    result = []
    for item in items:
        name = names[item["Field"]]
        config: Any = item.get(f"{_upper(name).removesuffix('s')}Config") or {}
        if name == "queryStrings":
            said: Any = [from_api(one, {}) for one in config.get("Values") or []]
        else:  # an answer may hold its values in the older form only
            said = {camel(key): one for key, one in (config or {"Values": item.get("Values") or []}).items()}
        result.append({name: said})
    return result


def _free_priority(work: Work) -> int:
    """The number after the last one in use."""
    listener = work.inputs["listenerArn"]
    taken = work.pages("DescribeRules", "Rules[].Priority", ListenerArn=listener)
    return max((int(one) for one in taken if str(one).isdigit()), default=0) + 1


def _make_rule(work: Work) -> str:
    tags = work.inputs.get("tagsAll") or {}
    params: Item = {"Tags": [{"Key": key, "Value": one} for key, one in tags.items()]} if tags else {}
    work.id = str(
        work.call(
            "CreateRule",
            ListenerArn=work.inputs["listenerArn"],
            Priority=int(work.inputs.get("priority") or _free_priority(work)),
            Actions=actions(work.inputs["actions"]),
            Conditions=_conditions(work.inputs["conditions"]),
            **params,
        )["Rules"][0]["RuleArn"]
    )
    return work.id


def _modify_rule(work: Work) -> None:
    asked, wanted = actions(work.inputs["actions"]), _conditions(work.inputs["conditions"])
    work.call("ModifyRule", RuleArn=work.id, Actions=asked, Conditions=wanted)


def _priority(work: Work) -> None:
    order = [{"RuleArn": work.id, "Priority": int(work.inputs.get("priority") or _free_priority(work))}]
    work.call("SetRulePriorities", RulePriorities=order)


def _read_rule(work: Work, item: Item, props: Props) -> None:
    props["actions"] = blocks(item.get("Actions") or [], work.inputs.get("actions"))
    props["conditions"] = _condition_blocks(item.get("Conditions") or [])
    head, _, tail = work.id.partition(":listener-rule/")
    props["listenerArn"] = f"{head}:listener/{tail.rpartition('/')[0]}"
    if str(item.get("Priority", "")).isdigit():
        props["priority"] = int(item["Priority"])


LISTENER_RULE = Resource(
    token="aws:lb/listenerRule:ListenerRule",
    aliases="aws:alb/listenerRule:ListenerRule",
    service="elbv2",
    noun="listener rule",
    args="actions conditions listenerArn priority",
    refused="transforms",
    required="actions conditions listenerArn",
    outputs="arn",
    create_with=_make_rule,
    read=Call("DescribeRules", {"RuleArns": ["{id}"]}, at="Rules[0]"),
    rename={"arn": "RuleArn"},
    read_more=_read_rule,
    delete=Call("DeleteRule", {"RuleArn": "{id}"}),
    updates=(
        Update("actions conditions", apply=_modify_rule, on_create=False),
        Update("priority", apply=_priority, on_create=False),
    ),
    nested={"actions": _ACTION, "conditions": _CONDITION},
    sets="conditions",
    computed="priority",
    tagging=TAGGING,
    retry_create="ListenerNotFound\nPriorityInUse",
)
