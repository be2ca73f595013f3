"""A resource in; the physical names that the program gives it without the environment's suffix out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from harness.policy.rule import Params, Resource, rule

# What names a thing, where it is neither `name` nor the type's own word with Name, Identifier or Id behind it.
_NAMED_BY: Final = {
    "aws:apigateway/domainName:DomainName": (),  # a domain is owned, not made up
    "aws:apigatewayv2/domainName:DomainName": (),
    "aws:appsync/domainName:DomainName": (),
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": ("alarmName",),
    "aws:cloudwatch/logAnomalyDetector:LogAnomalyDetector": ("detectorName",),
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": ("policyName",),
    "aws:cognito/userPoolDomain:UserPoolDomain": ("domain",),
    "aws:docdb/clusterInstance:ClusterInstance": ("identifier",),
    "aws:ec2/keyPair:KeyPair": ("keyName",),
    "aws:ecs/taskDefinition:TaskDefinition": ("family",),
    "aws:elasticache/user:User": ("userId",),
    "aws:lightsail/database:Database": ("relationalDatabaseName",),
    "aws:msk/serverlessCluster:ServerlessCluster": ("clusterName",),
    "aws:neptune/clusterInstance:ClusterInstance": ("identifier",),
    "aws:opensearchingest/pipeline:Pipeline": ("pipelineName",),
    "aws:rds/clusterInstance:ClusterInstance": ("identifier",),
    "aws:rds/instance:Instance": ("identifier",),
    "aws:s3/bucket:Bucket": ("bucket",),
    "aws:s3/bucketV2:BucketV2": ("bucket",),
    "aws:ses/receiptRuleSet:ReceiptRuleSet": ("ruleSetName",),
    "aws:ssm/association:Association": ("associationName",),
    "aws:xray/resourcePolicy:ResourcePolicy": ("policyName",),
    "aws:xray/samplingRule:SamplingRule": ("ruleName",),
}
# A name that others give or share: domains, settings, and what is named within a thing that carries the suffix itself.
_NOT_OWN_TEXT: Final = """
    account/alternativeContact account/region amplify/branch apigateway/authorizer apigateway/method
    apigateway/model apigateway/requestValidator apigateway/stage apigatewayv2/authorizer apigatewayv2/model
    apigatewayv2/stage appautoscaling/policy appautoscaling/scheduledAction appconfig/configurationProfile
    appconfig/environment appmesh/route appstream/user appsync/dataSource appsync/function autoscaling/lifecycleHook
    autoscaling/policy backup/selection cfg/recorderStatus cloudwatch/logMetricFilter cloudwatch/logStream
    cloudwatch/logSubscriptionFilter codepipeline/webhook cognito/resourceServer cognito/userGroup
    cognito/userPoolClient controltower/baseline dynamodb/globalTable ec2/defaultNetworkAcl ec2/defaultRouteTable
    ecr/accountSetting ecs/accountSettingDefault eks/addon eks/capability elb/appCookieStickinessPolicy
    elb/loadBalancerCookieStickinessPolicy elb/sslNegotiationPolicy emr/instanceFleet emr/instanceGroup
    glue/catalogTable guardduty/detectorFeature guardduty/memberDetectorFeature
    guardduty/organizationConfigurationFeature iam/groupMembership iam/groupPolicy iam/policyAttachment
    iam/rolePolicy iam/userPolicy identitystore/user keyspaces/table kinesis/streamConsumer kms/grant lambda/alias
    lightsail/domain lightsail/domainEntry msk/topic quicksight/user rds/certificate rds/integration
    redshift/partner redshiftserverless/snapshot route53/record route53/trafficPolicyInstance route53/zone
    route53domains/domain s3/analyticsConfiguration s3/bucketIntelligentTieringConfiguration s3/bucketMetric
    s3/inventory s3tables/table s3tables/tablePolicy servicediscovery/privateDnsNamespace
    servicediscovery/publicDnsNamespace servicediscovery/service ses/eventDestination ses/identityPolicy
    ses/receiptRule sfn/alias ssm/maintenanceWindowTarget ssm/maintenanceWindowTask ssoadmin/region
    timestreamwrite/table vpclattice/listener vpclattice/listenerRule wafv2/webAclRule workmail/domain workmail/user
    workspaces/directory
"""
_NOT_OWN: Final = frozenset(_NOT_OWN_TEXT.split())
# How an automatic name ends: our 7 or 8 hexadecimal digits (harness/providers/aws/naming.py, as the official provider
# does), or Terraform's 18 digits of time with 8 of a counter.
_AUTOMATIC: Final = re.compile(r"(?P<base>.*?)-?(?:[0-9a-f]{7,8}|\d{18}[0-9a-f]{8})(?:\.fifo)?")


@rule(
    "suffix-in-names",
    description="Every physical name carries the environment suffix.",
    remedy="put the configuration `environmentSuffix` (or the variable ENVIRONMENT_SUFFIX) into the name; "
    "list what must keep its name in `exempt` of the rule",
    on_naming=True,
)
def suffix_in_names(resource: Resource, params: Params) -> Iterator[str]:
    """A name that preview does not know yet, or that the provider made up, is not the program's to answer for."""
    del params
    suffix = resource.stack.suffix
    if suffix is None:
        if resource.type == "pulumi:pulumi:Stack":
            yield "no suffix is known: neither ENVIRONMENT_SUFFIX nor the configuration `environmentSuffix` is set"
        return
    for argument in name_arguments(resource):
        prefix = resource.get(f"{argument}Prefix")
        if isinstance(prefix, str) and prefix:
            if suffix.lower() not in prefix.lower():
                yield f"`{argument}Prefix` {prefix!r} lacks the suffix {suffix!r}"
            continue
        name = resource.get(argument)
        if not isinstance(name, str) or not name or suffix.lower() in name.lower():
            continue
        if not is_automatic(name, resource.name):
            yield f"`{argument}` {name!r} lacks the suffix {suffix!r}"


def name_arguments(resource: Resource) -> list[str]:
    """Arguments among the resource's own that name it: `bucket`, `clusterIdentifier`, `replicationGroupId`, `name`."""
    package, _, rest = resource.type.partition(":")
    member, _, kind = rest.partition(":")
    if package != "aws" or member in _NOT_OWN:
        return []
    named = _NAMED_BY.get(resource.type)
    if named is None:
        word = kind[:1].lower() + kind[1:]
        named = ("name", f"{word}Name", f"{word}Identifier", f"{word}Id")
    return [one for one in named if one in resource.props or f"{one}Prefix" in resource.props]


def is_automatic(name: Any, logical: str) -> bool:
    """Whether a provider made this name from the logical one, cut where the service's limit asked for it."""
    match = _AUTOMATIC.fullmatch(str(name))
    if match is None:
        return False
    base, own = (_simple(text) for text in (match["base"].removeprefix("alias/"), logical))
    return bool(base) and own.startswith(base)


def _simple(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
