"""What `up` made in, proof of what no declared probe looks at out: a way out per zone, and the dead letters' queue."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

import json

from harness.probes.registry import ProbeContext, probe


@probe("every zone has a NAT gateway of its own")
def gateways(context: ProbeContext) -> str:
    """So that the loss of one zone does not take the others off the internet."""
    ids = context.outputs["natGatewayIds"]
    found = context.client("ec2").describe_nat_gateways(NatGatewayIds=ids)["NatGateways"]
    subnets = {one["SubnetId"] for one in found if one["State"] == "available"}
    assert subnets == set(context.outputs["publicSubnetIds"]), f"NAT gateways stand in {sorted(subnets)}"
    return f"{len(ids)} NAT gateways"


@probe("dead letters have a queue")
def dead_letters(context: ProbeContext) -> str:
    """What cannot be handled five times goes there, and an alarm looks at it."""
    sqs = context.client("sqs")

    def ask(output: str, name: str) -> str:
        url = context.outputs[output]
        return str(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    redrive = json.loads(ask("queueUrl", "RedrivePolicy"))
    assert redrive["deadLetterTargetArn"] == ask("deadLetterQueueUrl", "QueueArn"), f"dead letters: {redrive}"
    return f"after {redrive['maxReceiveCount']} tries"


@probe("access logs may be written by load balancers only")
def access_logs(context: ProbeContext) -> str:
    """The bucket's policy admits the log delivery of this account, and refuses everybody without TLS."""
    policy = context.client("s3").get_bucket_policy(Bucket=context.outputs["accessLogBucket"])["Policy"]
    sids = {one["Sid"]: one["Effect"] for one in json.loads(policy)["Statement"]}
    assert sids == {"LoadBalancersOfThisAccount": "Allow", "OnlyByTls": "Deny"}, f"statements: {sids}"
    return "delivery allowed, plain HTTP refused"
