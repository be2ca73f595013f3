"""Elastic Load Balancing: load balancers and target groups, with the settings that AWS keeps as attributes of text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws import attributes
from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update, Wait
from harness.providers.aws.failures import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

NAME_LIMIT: Final = 32  # characters; AWS's limit for load balancers and target groups
TAGGING: Final = Tagging(
    tag=Call("AddTags", {"ResourceArns": ["{id}"]}),
    untag=Call("RemoveTags", {"ResourceArns": ["{id}"]}),
    listing=Call("DescribeTags", {"ResourceArns": ["{id}"]}, at="TagDescriptions[0].Tags"),
)


def suffix(arn: str) -> str:
    """What metrics call the thing: the ARN's resource part, for a load balancer without its first word."""
    return arn.rsplit(":", 1)[-1].removeprefix("loadbalancer/")


def _logs(block: str, name: str) -> dict[str, str]:
    return {f"{block}.{one}": f"{name}.s3.{one}" for one in ("bucket", "enabled", "prefix")}


_LB_SWITCHES: Final = {
    "clientKeepAlive": "client_keep_alive.seconds",
    "desyncMitigationMode": "routing.http.desync_mitigation_mode",
    "dnsRecordClientRoutingPolicy": "dns_record.client_routing_policy",
    "dropInvalidHeaderFields": "routing.http.drop_invalid_header_fields.enabled",
    "enableCrossZoneLoadBalancing": "load_balancing.cross_zone.enabled",
    "enableDeletionProtection": "deletion_protection.enabled",
    "enableHttp2": "routing.http2.enabled",
    "enableTlsVersionAndCipherSuiteHeaders": "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "enableWafFailOpen": "waf.fail_open.enabled",
    "enableXffClientPort": "routing.http.xff_client_port.enabled",
    "enableZonalShift": "zonal_shift.config.enabled",
    "idleTimeout": "idle_timeout.timeout_seconds",
    "preserveHostHeader": "routing.http.preserve_host_header.enabled",
    "xffHeaderProcessingMode": "routing.http.xff_header_processing.mode",
}
_LB_LOGS: Final = {
    **_logs("accessLogs", "access_logs"),
    **_logs("connectionLogs", "connection_logs"),
    **_logs("healthCheckLogs", "health_check_logs"),
}
_LB_ATTRIBUTES: Final = {**_LB_SWITCHES, **_LB_LOGS}
_LB_BLOCKS: Final = ("accessLogs", "connectionLogs", "healthCheckLogs")


def _wanted(work: Work, members: Mapping[str, str]) -> list[dict[str, str]]:
    """The attributes whose arguments changed; of a block that was taken out, that it is off."""
    asked: dict[str, str] = {}
    initial: Mapping[str, Any] = work.resource.initial if work.creating else {}
    for name in {member.split(".")[0] for member in members}:
        value = work.inputs.get(name)
        if work.changed(name) and not (name in initial and value == initial[name]):
            own = {key: one for key, one in members.items() if key.split(".")[0] == name}
            asked.update(attributes.given(work.inputs, own))
            if value is None and f"{name}.enabled" in own:
                asked[own[f"{name}.enabled"]] = "false"
    return attributes.pairs(asked)


def _lb_attributes(work: Work) -> None:
    asked = _wanted(work, _LB_ATTRIBUTES)
    if asked:
        work.call("ModifyLoadBalancerAttributes", LoadBalancerArn=work.id, Attributes=asked)


def _before_lb(work: Work, params: Item) -> None:
    # AWS answers success for one that exists with the same settings: that would take over another's.
    found = work.seek("DescribeLoadBalancers", Names=[params["Name"]]) or {}
    if found.get("LoadBalancers"):
        message = f"{params['Name']} exists already"
        raise Refusal(
            f"creating load balancer ({work.name}): DuplicateLoadBalancerName: {message}", "DuplicateLoadBalancerName"
        )
    params["Scheme"] = "internal" if work.inputs.get("internal") else "internet-facing"


def _read_lb(work: Work, item: Item, props: Props) -> None:
    props["internal"] = item.get("Scheme") == "internal"
    props["arnSuffix"] = suffix(work.id)
    raw = work.call("DescribeLoadBalancerAttributes", LoadBalancerArn=work.id)["Attributes"]
    props.update(attributes.from_map(attributes.from_pairs(raw), _LB_ATTRIBUTES))
    for name in _LB_BLOCKS:  # logs that are off and were never asked for are AWS's default
        if name in props and not props[name].get("enabled") and not work.inputs.get(name):
            del props[name]


LOAD_BALANCER = Resource(
    token="aws:lb/loadBalancer:LoadBalancer",
    aliases="aws:alb/loadBalancer:LoadBalancer",
    service="elbv2",
    noun="load balancer",
    args=f"{' '.join(_LB_SWITCHES)} {' '.join(_LB_BLOCKS)} internal ipAddressType loadBalancerType name "
    "securityGroups subnets",
    refused="customerOwnedIpv4Pool enablePrefixForIpv6SourceNat enforceSecurityGroupInboundRulesOnPrivateLinkTraffic "
    "ipamPools minimumLoadBalancerCapacity secondaryIpsAutoAssignedPerSubnet subnetMappings",
    outputs="arn arnSuffix dnsName vpcId zoneId",
    create=Call("CreateLoadBalancer"),
    before_create=_before_lb,
    id="LoadBalancers[0].LoadBalancerArn",
    read=Call("DescribeLoadBalancers", {"LoadBalancerArns": ["{id}"]}, at="LoadBalancers[0]"),
    rename={"arn": "LoadBalancerArn", "loadBalancerType": "Type", "zoneId": "CanonicalHostedZoneId"},
    reads={"name": "LoadBalancerName", "subnets": "AvailabilityZones[].SubnetId"},
    read_more=_read_lb,
    delete=Call("DeleteLoadBalancer", {"LoadBalancerArn": "{id}"}),
    updates=(
        Update(f"{' '.join(_LB_SWITCHES)} {' '.join(_LB_BLOCKS)}", apply=_lb_attributes),
        Update("securityGroups", Call("SetSecurityGroups", {"LoadBalancerArn": "{id}"}), on_create=False),
        Update("subnets", Call("SetSubnets", {"LoadBalancerArn": "{id}"}), on_create=False),
        Update("ipAddressType", Call("SetIpAddressType", {"LoadBalancerArn": "{id}"}), on_create=False),
    ),
    nested=dict.fromkeys(_LB_BLOCKS, "bucket enabled prefix"),
    sets="securityGroups subnets",
    computed=f"{' '.join(_LB_SWITCHES)} ipAddressType securityGroups subnets",
    defaults={"enableDeletionProtection": False, "internal": False, "loadBalancerType": "application"},
    initial={"enableDeletionProtection": False},
    naming=Naming("name", limit=NAME_LIMIT, allowed=r"A-Za-z0-9\-"),
    tagging=TAGGING,
    wait=Wait("State.Code", ready="active active_impaired", failed="failed", minutes=10),
    find=Find(Call("DescribeLoadBalancers", at="LoadBalancers[]"), id="LoadBalancerArn"),
    retry_create="InvalidSubnet:not found\nSubnetNotFound\nInvalidConfigurationRequest:security group",
    retry_delete="ResourceInUse",
)

_CHECK: Final = {
    "enabled": "HealthCheckEnabled",
    "healthyThreshold": "HealthyThresholdCount",
    "interval": "HealthCheckIntervalSeconds",
    "path": "HealthCheckPath",
    "port": "HealthCheckPort",
    "protocol": "HealthCheckProtocol",
    "timeout": "HealthCheckTimeoutSeconds",
    "unhealthyThreshold": "UnhealthyThresholdCount",
}
_TG_SWITCHES: Final = {
    "connectionTermination": "deregistration_delay.connection_termination.enabled",
    "deregistrationDelay": "deregistration_delay.timeout_seconds",
    "lambdaMultiValueHeadersEnabled": "lambda.multi_value_headers.enabled",
    "loadBalancingAlgorithmType": "load_balancing.algorithm.type",
    "loadBalancingAnomalyMitigation": "load_balancing.algorithm.anomaly_mitigation",
    "loadBalancingCrossZoneEnabled": "load_balancing.cross_zone.enabled",
    "preserveClientIp": "preserve_client_ip.enabled",
    "proxyProtocolV2": "proxy_protocol_v2.enabled",
    "slowStart": "slow_start.duration_seconds",
}
_STICKINESS: Final = {"stickiness.enabled": "stickiness.enabled", "stickiness.type": "stickiness.type"}
_COOKIES: Final = {
    "lb_cookie": {"stickiness.cookieDuration": "stickiness.lb_cookie.duration_seconds"},
    "app_cookie": {
        "stickiness.cookieDuration": "stickiness.app_cookie.duration_seconds",
        "stickiness.cookieName": "stickiness.app_cookie.cookie_name",
    },
}


def _tg_members(kind: Any) -> dict[str, str]:
    return {**_TG_SWITCHES, **_STICKINESS, **_COOKIES.get(str(kind), {})}


def _tg_attributes(work: Work) -> None:
    asked = _wanted(work, _tg_members((work.inputs.get("stickiness") or {}).get("type")))
    if asked:
        work.call("ModifyTargetGroupAttributes", TargetGroupArn=work.id, Attributes=asked)


def _health(work: Work) -> Item:
    """The parameters of a health check; codes are gRPC's for a group of that protocol."""
    block: Props = work.inputs.get("healthCheck") or {}
    shape = work.input_shape("ModifyTargetGroup").members
    result: Item = {}
    for name, member in _CHECK.items():
        if block.get(name) not in (None, ""):
            number = shape[member].type_name == "integer"
            result[member] = int(block[name]) if number else block[name]
    for member in ("HealthCheckPort", "HealthCheckPath"):
        if member in result:
            result[member] = str(result[member])
    if block.get("matcher"):
        code = "GrpcCode" if work.inputs.get("protocolVersion") == "GRPC" else "HttpCode"
        result["Matcher"] = {code: str(block["matcher"])}
    return result


def _modify_health(work: Work) -> None:
    work.call("ModifyTargetGroup", TargetGroupArn=work.id, **_health(work))


def _before_tg(work: Work, params: Item) -> None:
    # As with load balancers: success would be answered for another's of the same settings.
    found = work.seek("DescribeTargetGroups", Names=[params["Name"]]) or {}
    if found.get("TargetGroups"):
        message = f"{params['Name']} exists already"
        raise Refusal(
            f"creating target group ({work.name}): DuplicateTargetGroupName: {message}", "DuplicateTargetGroupName"
        )
    params.update(_health(work))


def _read_tg(work: Work, item: Item, props: Props) -> None:
    props["arnSuffix"] = suffix(work.id)
    check: Props = {name: item[member] for name, member in _CHECK.items() if item.get(member) not in (None, "")}
    codes = item.get("Matcher") or {}
    if codes:
        check["matcher"] = codes.get("HttpCode") or codes.get("GrpcCode")
    props["healthCheck"] = check
    raw = work.call("DescribeTargetGroupAttributes", TargetGroupArn=work.id)["Attributes"]
    texts = attributes.from_pairs(raw)
    props.update(attributes.from_map(texts, _tg_members(texts.get("stickiness.type"))))
    sticky = props.get("stickiness")
    if sticky and not sticky.get("enabled") and not work.inputs.get("stickiness"):
        del props["stickiness"]


TARGET_GROUP = Resource(
    token="aws:lb/targetGroup:TargetGroup",
    aliases="aws:alb/targetGroup:TargetGroup",
    service="elbv2",
    noun="target group",
    args=f"{' '.join(_TG_SWITCHES)} healthCheck ipAddressType name port protocol protocolVersion stickiness targetType "
    "vpcId",
    refused="targetControlPort targetFailovers targetGroupHealth targetHealthStates",
    outputs="arn arnSuffix loadBalancerArns",
    create=Call("CreateTargetGroup"),
    before_create=_before_tg,
    id="TargetGroups[0].TargetGroupArn",
    read=Call("DescribeTargetGroups", {"TargetGroupArns": ["{id}"]}, at="TargetGroups[0]"),
    rename={"arn": "TargetGroupArn"},
    reads={"name": "TargetGroupName"},
    read_more=_read_tg,
    delete=Call("DeleteTargetGroup", {"TargetGroupArn": "{id}"}),
    updates=(
        Update("healthCheck", apply=_modify_health, on_create=False),
        Update(f"{' '.join(_TG_SWITCHES)} stickiness", apply=_tg_attributes),
    ),
    nested={
        "healthCheck": f"{' '.join(_CHECK)} matcher",
        "stickiness": "cookieDuration cookieName enabled type",
    },
    computed=f"{' '.join(_TG_SWITCHES)} healthCheck ipAddressType protocolVersion stickiness",
    defaults={"targetType": "instance"},
    naming=Naming("name", limit=NAME_LIMIT, allowed=r"A-Za-z0-9\-"),
    tagging=TAGGING,
    find=Find(Call("DescribeTargetGroups", at="TargetGroups[]"), id="TargetGroupArn"),
    retry_delete="ResourceInUse",  # until the listener that forwards to it has gone everywhere
)
