"""A VPC and a log group in; flow logs of all its traffic, and the role that may write them, out."""

import pulumi
import pulumi_aws as aws

from parts.roles import role
from parts.settings import Settings

INTERVAL = 60  # seconds that a record gathers; the other choice is 600


class Flows(pulumi.ComponentResource):
    """Who spoke to whom, accepted or rejected."""

    def __init__(self, name: str, settings: Settings, vpc: aws.ec2.Vpc, log_group: aws.cloudwatch.LogGroup) -> None:
        super().__init__("parts:index:Flows", name)
        own = pulumi.ResourceOptions(parent=self)
        self.role = role(
            f"{name}-role",
            settings,
            called="flows",
            service="vpc-flow-logs.amazonaws.com",
            statements=[
                {
                    "Effect": "Allow",
                    "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
                    "Resource": [log_group.arn, pulumi.Output.concat(log_group.arn, ":*")],
                },
                {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"},
            ],
            opts=own,
        )
        self.log = aws.ec2.FlowLog(
            f"{name}-log",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=log_group.arn,
            iam_role_arn=self.role.arn,
            max_aggregation_interval=INTERVAL,
            tags=settings.tagged("flows"),
            opts=pulumi.ResourceOptions(parent=self, depends_on=self.role.granted),
        )
        self.register_outputs({"id": self.log.id})
