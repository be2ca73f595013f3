"""What `up` made in, proof of what no declared probe looks at out: a way out per zone, and the dead letters' queue."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

import json

from harness.probes.registry import ProbeContext, probe


@probe("every zone has a NAT gateway of its own")
def gateways(context: ProbeContext) -> str:
    """Each private subnet leads to that of its zone, so that the loss of one does not take others off the internet."""
    ec2 = context.client("ec2")
    public, private = context.outputs["publicSubnetIds"], context.outputs["privateSubnetIds"]
    subnets = ec2.describe_subnets(SubnetIds=[*public, *private])["Subnets"]
    zones = {one["SubnetId"]: one["AvailabilityZone"] for one in subnets}
    found = ec2.describe_nat_gateways(NatGatewayIds=context.outputs["natGatewayIds"])["NatGateways"]
    stands = {one["NatGatewayId"]: zones.get(one["SubnetId"]) for one in found if one["State"] == "available"}
    ours = [{"Name": "association.subnet-id", "Values": private}]
    leads = {
        member.get("SubnetId"): stands.get(route.get("NatGatewayId", ""))
        for table in ec2.describe_route_tables(Filters=ours)["RouteTables"]
        for member in table["Associations"]
        for route in table["Routes"]
        if route.get("DestinationCidrBlock") == "0.0.0.0/0"
    }
    astray = {f"{one} in {zones[one]}": leads.get(one) for one in private if leads.get(one) != zones[one]}
    assert not astray, f"zone of the NAT gateway: {astray}"
    return f"{len(stands)} NAT gateways"


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


@probe("access logs are written, and by load balancers only")
def access_logs(context: ProbeContext) -> str:
    """The balancer writes; the bucket admits the log delivery of this account, and refuses everybody without TLS."""
    bucket, balancer = context.outputs["accessLogBucket"], context.outputs["loadBalancerArn"]
    told = context.client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    log = {one["Key"]: one["Value"] for one in told if one["Key"].startswith("access_logs.s3.")}
    assert log.get("access_logs.s3.enabled") == "true", f"access logs: {log}"
    assert log.get("access_logs.s3.bucket") == bucket, f"access logs: {log}"
    _, partition, _, _, account, _ = balancer.split(":", 5)
    arn = f"arn:{partition}:s3:::{bucket}"
    wanted = {
        "LoadBalancersOfThisAccount": {
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": f"{arn}/alb/AWSLogs/{account}/*",
        },
        "OnlyByTls": {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, f"{arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    }
    policy = json.loads(context.client("s3").get_bucket_policy(Bucket=bucket)["Policy"])
    statements = {one.pop("Sid"): one for one in policy["Statement"]}
    assert statements == wanted, f"statements: {statements}"
    return "delivery allowed, plain HTTP refused"
