"""A service in; targets that its number of tasks follows, out."""

from collections.abc import Mapping

import pulumi
import pulumi_aws as aws

from parts.service import Service
from parts.settings import Settings

CPU, MEMORY = "ECSServiceAverageCPUUtilization", "ECSServiceAverageMemoryUtilization"


class Scaling(pulumi.ComponentResource):
    """Between `fewest` and `most` tasks, so that each of the metrics stays near its target (per cent)."""

    def __init__(
        self, name: str, settings: Settings, service: Service, *, fewest: int, most: int, follow: Mapping[str, float]
    ) -> None:
        super().__init__("parts:index:Scaling", name)
        own = pulumi.ResourceOptions(parent=self)
        self.target = aws.appautoscaling.Target(
            f"{name}-target",
            min_capacity=fewest,
            max_capacity=most,
            resource_id=pulumi.Output.concat("service/", service.cluster.name, "/", service.service.name),
            scalable_dimension="ecs:service:DesiredCount",
            service_namespace="ecs",
            tags=settings.tags,
            opts=own,
        )
        self.policies = [
            aws.appautoscaling.Policy(
                f"{name}-{metric.removeprefix('ECSServiceAverage').removesuffix('Utilization').lower()}",
                name=settings.name(metric.removeprefix("ECSServiceAverage").removesuffix("Utilization").lower()),
                policy_type="TargetTrackingScaling",
                resource_id=self.target.resource_id,
                scalable_dimension=self.target.scalable_dimension,
                service_namespace=self.target.service_namespace,
                target_tracking_scaling_policy_configuration=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgs(
                    target_value=value,
                    scale_in_cooldown=300,  # seconds
                    scale_out_cooldown=60,
                    predefined_metric_specification=aws.appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationPredefinedMetricSpecificationArgs(
                        predefined_metric_type=metric
                    ),
                ),
                opts=own,
            )
            for metric, value in follow.items()
        ]
        self.register_outputs({"resourceId": self.target.resource_id})
