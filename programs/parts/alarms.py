"""Measures with their limits in; alarms that tell a topic, and a dashboard of them, out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from parts.settings import Settings


@dataclass(frozen=True)
class Measure:
    """One metric, and when it is too much (or, with `below`, too little)."""

    called: str
    namespace: str
    metric: str
    dimensions: Mapping[str, pulumi.Input[str]]
    limit: float
    what: str
    statistic: str = "Average"
    below: bool = False
    minutes: int = 5  # in a row; one period is a minute
    missing: str = "notBreaching"


class Alarms(pulumi.ComponentResource):
    """A topic, an alarm for each measure, and one dashboard that shows them all."""

    def __init__(self, name: str, settings: Settings, key: aws.kms.Key, measures: Sequence[Measure]) -> None:
        super().__init__("parts:index:Alarms", name)
        own = pulumi.ResourceOptions(parent=self)
        self.topic = aws.sns.Topic(
            f"{name}-topic", name=settings.name("alarms"), kms_master_key_id=key.id, tags=settings.tags, opts=own
        )
        publish = {
            "Sid": "AlarmsOfThisAccount",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": self.topic.arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": settings.account}},
        }
        aws.sns.TopicPolicy(
            f"{name}-topic-policy",
            arn=self.topic.arn,
            policy=pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [publish]}),
            opts=own,
        )
        self.alarms = [self._alarm(f"{name}-{measure.called}", settings, measure, own) for measure in measures]
        self.dashboard = aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=settings.name("dashboard"),
            dashboard_body=pulumi.Output.json_dumps({"widgets": _widgets(settings, measures)}),
            opts=own,
        )
        self.register_outputs({"topicArn": self.topic.arn})

    def export(self) -> None:
        """Export topic, alarms and dashboard, as outputs of the stack."""
        pulumi.export("alarmTopicArn", self.topic.arn)
        pulumi.export("alarmNames", [alarm.name for alarm in self.alarms])
        pulumi.export("dashboardName", self.dashboard.dashboard_name)

    def _alarm(
        self, name: str, settings: Settings, measure: Measure, own: pulumi.ResourceOptions
    ) -> aws.cloudwatch.MetricAlarm:
        return aws.cloudwatch.MetricAlarm(
            name,
            name=settings.name(measure.called),
            alarm_description=measure.what,
            namespace=measure.namespace,
            metric_name=measure.metric,
            dimensions=dict(measure.dimensions),
            statistic=measure.statistic,
            comparison_operator="LessThanThreshold" if measure.below else "GreaterThanThreshold",
            threshold=measure.limit,
            period=60,  # seconds
            evaluation_periods=measure.minutes,
            treat_missing_data=measure.missing,
            alarm_actions=[self.topic.arn],
            ok_actions=[self.topic.arn],
            tags=settings.tags,
            opts=own,
        )


def _widgets(settings: Settings, measures: Sequence[Measure]) -> list[dict[str, Any]]:
    """Two columns, in the order of the measures."""
    return [
        {
            "type": "metric",
            "x": 12 * (place % 2),
            "y": 6 * (place // 2),
            "width": 12,
            "height": 6,
            "properties": {
                "title": measure.what,
                "region": settings.region,
                "stat": measure.statistic,
                "period": 60,
                "metrics": [[measure.namespace, measure.metric, *_flat(measure.dimensions)]],
                "annotations": {"horizontal": [{"value": measure.limit}]},
            },
        }
        for place, measure in enumerate(measures)
    ]


def _flat(dimensions: Mapping[str, pulumi.Input[str]]) -> list[pulumi.Input[str]]:
    return [part for pair in dimensions.items() for part in pair]


def service_measures(cluster: pulumi.Input[str], service: pulumi.Input[str]) -> list[Measure]:
    """What an ECS service is watched by."""
    dimensions = {"ClusterName": cluster, "ServiceName": service}
    insights = "ECS/ContainerInsights"
    return [
        Measure("service-cpu", "AWS/ECS", "CPUUtilization", dimensions, 80, "Service: processor in use, per cent"),
        Measure("service-memory", "AWS/ECS", "MemoryUtilization", dimensions, 80, "Service: memory in use, per cent"),
        Measure(
            "service-tasks",
            insights,
            "RunningTaskCount",
            dimensions,
            1,
            "Service: running tasks",
            "Minimum",
            below=True,
        ),
    ]


def balancer_measures(balancer: pulumi.Input[str], targets: pulumi.Input[str]) -> list[Measure]:
    """What a load balancer is watched by; ARN suffixes."""
    namespace, whole = "AWS/ApplicationELB", {"LoadBalancer": balancer}
    both = {**whole, "TargetGroup": targets}
    return [
        Measure("alb-5xx", namespace, "HTTPCode_ELB_5XX_Count", whole, 10, "Balancer: its own errors, a minute", "Sum"),
        Measure(
            "target-5xx", namespace, "HTTPCode_Target_5XX_Count", both, 10, "Targets: their errors, a minute", "Sum"
        ),
        Measure("unhealthy", namespace, "UnHealthyHostCount", both, 0, "Targets: unhealthy ones", "Maximum"),
        Measure("latency", namespace, "TargetResponseTime", both, 1.0, "Targets: seconds to answer"),
    ]


def database_measures(cluster: pulumi.Input[str]) -> list[Measure]:
    """What an Aurora Serverless v2 cluster is watched by."""
    whole = {"DBClusterIdentifier": cluster}
    return [
        Measure("db-cpu", "AWS/RDS", "CPUUtilization", whole, 80, "Database: processor in use, per cent"),
        Measure("db-acu", "AWS/RDS", "ACUUtilization", whole, 90, "Database: capacity in use, per cent of the most"),
        Measure("db-sessions", "AWS/RDS", "DatabaseConnections", whole, 80, "Database: connections"),
    ]
