"""Cases of the probes of a service in containers: its load balancer, its tasks, its scaling, its image."""

from __future__ import annotations

import json
from typing import Any

from probe_case import Aws, Case
from probe_tags import REGION

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 1,
            "digest": f"sha256:{'0' * 64}",
        },
        "layers": [],
    }
)


def a_vpc(aws: Aws) -> tuple[str, list[str]]:
    """One with a subnet in two zones."""
    vpc = aws.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        aws.ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for number, zone in enumerate("ab")
    ]
    return str(vpc), [one["Subnet"]["SubnetId"] for one in subnets]


def a_group(aws: Aws, vpc: str, name: str) -> str:
    """A security group."""
    return str(aws.ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"])


def define(aws: Aws, port: int = 80, image: str = "app:1") -> str:
    """Another revision of the task definition."""
    container = {"name": "app", "image": image, "memory": 128, "portMappings": [{"containerPort": port}]}
    return str(
        aws.ecs.register_task_definition(
            family="task",
            cpu="256",
            memory="512",
            networkMode="awsvpc",
            requiresCompatibilities=["FARGATE"],
            containerDefinitions=[container],
        )["taskDefinition"]["taskDefinitionArn"]
    )


def a_service(aws: Aws) -> dict[str, Any]:
    """A service with one task, behind a load balancer that asks /health on port 80."""
    vpc, subnets = a_vpc(aws)
    elb = aws.elbv2
    groups = [a_group(aws, vpc, name) for name in ("tasks", "strangers", "balancer")]
    [made] = elb.create_load_balancer(Name="alb", Subnets=subnets, SecurityGroups=[groups[2]])["LoadBalancers"]
    balancer = made["LoadBalancerArn"]

    def group(name: str) -> str:
        made = elb.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=80,
            TargetType="ip",
            VpcId=vpc,
            HealthCheckPath="/health",
            HealthCheckPort="80",
        )
        return str(made["TargetGroups"][0]["TargetGroupArn"])

    mine, other = group("mine"), group("other")
    listener = elb.create_listener(
        LoadBalancerArn=balancer,
        Port=80,
        Protocol="HTTP",
        DefaultActions=[{"Type": "forward", "TargetGroupArn": mine}],
    )["Listeners"][0]["ListenerArn"]
    aws.ecs.create_cluster(clusterName="cluster", settings=[{"name": "containerInsights", "value": "enabled"}])
    aws.ecs.create_service(
        cluster="cluster",
        serviceName="service",
        taskDefinition=define(aws),
        desiredCount=1,
        launchType="FARGATE",
        loadBalancers=[{"targetGroupArn": mine, "containerName": "app", "containerPort": 80}],
        networkConfiguration=where(subnets, groups[0]),
    )
    place = {"subnets": subnets, "groups": groups}
    return {"listener": listener, "mine": mine, "other": other, "image": "app:1", "balancer": balancer, **place}


def where(subnets: list[str], group: str, public: str = "DISABLED") -> dict[str, Any]:
    """Where the tasks of a service stand."""
    return {"awsvpcConfiguration": {"subnets": subnets, "securityGroups": [group], "assignPublicIp": public}}


def move(aws: Aws, *, alone: bool = False, group: int = 0, public: str = "DISABLED") -> None:
    """The tasks elsewhere: in one subnet, in another group, or with public addresses."""
    place = where(aws["subnets"][:1] if alone else aws["subnets"], aws["groups"][group], public)
    aws.ecs.update_service(cluster="cluster", service="service", networkConfiguration=place)


def forward(aws: Aws, group: str) -> None:
    """The listener to another group."""
    aws.elbv2.modify_listener(
        ListenerArn=aws["listener"], DefaultActions=[{"Type": "forward", "TargetGroupArn": aws[group]}]
    )


def release(aws: Aws, **how: Any) -> None:
    """Another revision for the service."""
    aws.ecs.update_service(cluster="cluster", service="service", taskDefinition=define(aws, **how))


def a_scaled_service(aws: Aws) -> dict[str, Any]:
    """One to three tasks, by a policy."""
    a_service(aws)
    what = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/cluster/service",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = aws.context.client("application-autoscaling")
    scaling.register_scalable_target(**what, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **what,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 60,
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
        },
    )
    return {"what": what}


def rescale(aws: Aws, operation: str, **more: Any) -> None:
    """One call about the scalable target."""
    getattr(aws.context.client("application-autoscaling"), operation)(**aws["what"], **more)


def an_image(aws: Aws) -> dict[str, Any]:
    """A repository with an image of the tag 1."""
    aws.ecr.create_repository(repositoryName="repository")
    aws.ecr.put_image(repositoryName="repository", imageManifest=MANIFEST, imageTag="1")
    return {}


ECS_CASES = {
    "target-chain": Case(
        a_service,
        "listener = '${listener}'\ntarget-group = '${mine}'\nport = 80\npath = '/health'\n"
        "cluster = 'cluster'\nservice = 'service'\nsecurity-groups = '${groups[2]}'\nsubnets = '${subnets}'",
        {
            "balancer in the wrong group": (
                lambda aws: aws.elbv2.set_security_groups(
                    LoadBalancerArn=aws["balancer"], SecurityGroups=[aws["groups"][1]]
                ),
                "the load balancer must stand elsewhere; security groups",
            ),
            "balancer in other subnets": (
                lambda aws: aws["subnets"].pop(),
                "the load balancer must stand elsewhere; subnets",
            ),
            "forwards elsewhere": (lambda aws: forward(aws, "other"), "does not forward to the target group"),
            "other path": (
                lambda aws: aws.elbv2.modify_target_group(TargetGroupArn=aws["mine"], HealthCheckPath="/"),
                "asks path /, wanted /health",
            ),
            "other check port": (
                lambda aws: aws.elbv2.modify_target_group(TargetGroupArn=aws["mine"], HealthCheckPort="8080"),
                "asks port 8080, wanted 80",
            ),
            "container on another port": (lambda aws: release(aws, port=5000), "has ports [5000], wanted 80"),
            "service gone": (
                lambda aws: aws.ecs.delete_service(cluster="cluster", service="service", force=True),
                "registers nothing with the target group",
            ),
        },
    ),
    "ecs-steady": Case(
        a_service,
        "cluster = 'cluster'\nservice = 'service'\nimage = '${image}'\ninsights = true\n"
        "security-groups = '${groups[0]}'\nsubnets = '${subnets}'\npublic = false",
        {
            "nothing runs": (
                lambda aws: aws.ecs.update_service(cluster="cluster", service="service", desiredCount=0),
                "is not steady: 0 of 1 tasks run",
            ),
            "in another group": (lambda aws: move(aws, group=1), "tasks of service must stand elsewhere"),
            "in one subnet": (lambda aws: move(aws, alone=True), "must stand elsewhere"),
            "open to the internet": (lambda aws: move(aws, public="ENABLED"), "tasks of service get public addresses"),
            "other image": (lambda aws: release(aws, image="app:2"), "runs app:2, wanted app:1"),
            "no insights": (
                lambda aws: aws.ecs.update_cluster_settings(
                    cluster="cluster", settings=[{"name": "containerInsights", "value": "disabled"}]
                ),
                "no Container Insights",
            ),
            "gone": (
                lambda aws: aws.ecs.delete_service(cluster="cluster", service="service", force=True),
                "is not active",
            ),
        },
    ),
    "ecs-scaling": Case(
        a_scaled_service,
        "cluster = 'cluster'\nservice = 'service'\nfewest = 1\nmost = 3",
        {
            "other limits": (
                lambda aws: rescale(aws, "register_scalable_target", MinCapacity=1, MaxCapacity=9),
                "scales from 1 to 9, wanted 1 to 3",
            ),
            "no policy": (
                lambda aws: rescale(aws, "delete_scaling_policy", PolicyName="cpu"),
                "has 0 scaling policies",
            ),
            "no target": (lambda aws: rescale(aws, "deregister_scalable_target"), "does not scale"),
        },
    ),
    "ecr-image": Case(
        an_image,
        "repository = 'repository'\ntag = '1'",
        {
            "image gone": (
                lambda aws: aws.ecr.batch_delete_image(repositoryName="repository", imageIds=[{"imageTag": "1"}]),
                "repository",
            ),
            "deleted": (
                lambda aws: aws.ecr.delete_repository(repositoryName="repository", force=True),
                "RepositoryNotFound",
            ),
        },
    ),
}
