"""An account and a region in; the names of everything that somebody made there and that still exists, out.

Asked by boto3's list operations alone. It shares no code with the harness's own leak check, which asks by describe
about what it knows of: what the harness forgot, or counts as gone by mistake, shows here. A listing that is refused
raises: silence is no proof.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import botocore.session
import jmespath
from botocore.config import Config
from botocore.exceptions import ClientError

PATIENCE = 30.0  # seconds for one answer: a busy emulator is slow, a stopped one never answers


@dataclass(frozen=True)
class Listing:
    """A kind of thing: the operation that lists it, and where in the answer are the names of those that exist.

    Attributes:
        names: JMESPath to a list, without what AWS makes by itself and without what is in a terminal state.
        given: arguments of the operation.
        of: where the things are parts of others, the listing of those; each of its names goes in as argument `into`.
    """

    service: str
    operation: str
    names: str
    given: dict[str, Any] = field(default_factory=dict)
    of: Listing | None = None
    into: str = ""


BUCKETS = Listing("s3", "list_buckets", "Buckets[].Name")
KEYS = Listing("kms", "list_keys", "Keys[].KeyId")
LIVE_KEY = "[KeyMetadata][?KeyState!='PendingDeletion' && KeyManager!='AWS'].KeyId"
CLUSTERS = Listing("ecs", "list_clusters", "clusterArns")

# A further kind is a line. What goes away with its owner (rules of a group, policies of a bucket) needs none.
LISTINGS = (
    Listing("ec2", "describe_vpcs", "Vpcs[?!IsDefault].VpcId"),
    Listing("ec2", "describe_subnets", "Subnets[?!DefaultForAz].SubnetId"),
    Listing("ec2", "describe_security_groups", "SecurityGroups[?GroupName!='default'].GroupId"),
    Listing("ec2", "describe_route_tables", "RouteTables[?!(Associations[?Main])].RouteTableId"),
    Listing("ec2", "describe_network_acls", "NetworkAcls[?!IsDefault].NetworkAclId"),
    # The one of the default VPC, which the emulator gives every account.
    Listing(
        "ec2", "describe_internet_gateways", "InternetGateways[?InternetGatewayId!='igw-00000001'].InternetGatewayId"
    ),
    Listing(
        "ec2", "describe_egress_only_internet_gateways", "EgressOnlyInternetGateways[].EgressOnlyInternetGatewayId"
    ),
    Listing("ec2", "describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    Listing("ec2", "describe_addresses", "Addresses[].AllocationId"),
    Listing("ec2", "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted' && State!='Deleted'].VpcEndpointId"),
    Listing("ec2", "describe_network_interfaces", "NetworkInterfaces[].NetworkInterfaceId"),
    Listing("ec2", "describe_flow_logs", "FlowLogs[].FlowLogId"),
    Listing("ec2", "describe_dhcp_options", "DhcpOptions[].DhcpOptionsId"),
    Listing("ec2", "describe_instances", "Reservations[].Instances[?State.Name!='terminated'][].InstanceId"),
    Listing("ec2", "describe_volumes", "Volumes[].VolumeId"),
    Listing("ec2", "describe_snapshots", "Snapshots[].SnapshotId", {"OwnerIds": ["self"]}),
    Listing("ec2", "describe_images", "Images[].ImageId", {"Owners": ["self"]}),
    Listing("ec2", "describe_key_pairs", "KeyPairs[].KeyName"),
    Listing("ec2", "describe_launch_templates", "LaunchTemplates[].LaunchTemplateName"),
    Listing("rds", "describe_db_clusters", "DBClusters[].DBClusterIdentifier"),
    Listing("rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"),
    Listing("rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"),
    Listing("rds", "describe_db_parameter_groups", "DBParameterGroups[].DBParameterGroupName"),
    Listing("rds", "describe_db_cluster_parameter_groups", "DBClusterParameterGroups[].DBClusterParameterGroupName"),
    Listing("rds", "describe_option_groups", "OptionGroupsList[].OptionGroupName"),
    Listing("rds", "describe_db_snapshots", "DBSnapshots[].DBSnapshotIdentifier"),
    Listing("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots[].DBClusterSnapshotIdentifier"),
    Listing("rds", "describe_db_proxies", "DBProxies[].DBProxyName"),
    Listing("rds", "describe_global_clusters", "GlobalClusters[].GlobalClusterIdentifier"),
    BUCKETS,
    Listing("s3", "list_multipart_uploads", "Uploads[].UploadId", of=BUCKETS, into="Bucket"),
    Listing("sqs", "list_queues", "QueueUrls"),
    Listing("ecr", "describe_repositories", "repositories[].repositoryName"),
    Listing("kms", "describe_key", LIVE_KEY, of=KEYS, into="KeyId"),
    Listing("kms", "list_aliases", "Aliases[?!starts_with(AliasName, 'alias/aws/')].AliasName"),
    Listing("secretsmanager", "list_secrets", "SecretList[].Name", {"IncludePlannedDeletion": True}),
    Listing("ssm", "describe_parameters", "Parameters[].Name"),
    Listing("logs", "describe_log_groups", "logGroups[].logGroupName"),
    Listing("logs", "describe_resource_policies", "resourcePolicies[].policyName"),
    Listing("iam", "list_roles", "Roles[?!starts_with(Path, '/aws-service-role/')].RoleName"),
    Listing("iam", "list_policies", "Policies[].PolicyName", {"Scope": "Local"}),
    Listing("iam", "list_users", "Users[].UserName"),
    Listing("iam", "list_groups", "Groups[].GroupName"),
    Listing("iam", "list_instance_profiles", "InstanceProfiles[].InstanceProfileName"),
    Listing("iam", "list_open_id_connect_providers", "OpenIDConnectProviderList[].Arn"),
    Listing("ecs", "describe_clusters", "clusters[?status!='INACTIVE'].clusterName", of=CLUSTERS, into="clusters"),
    Listing("ecs", "list_services", "serviceArns", of=CLUSTERS, into="cluster"),
    Listing("ecs", "list_tasks", "taskArns", of=CLUSTERS, into="cluster"),
    Listing("ecs", "list_task_definitions", "taskDefinitionArns", {"status": "ACTIVE"}),
    Listing("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerName"),
    Listing("elbv2", "describe_target_groups", "TargetGroups[].TargetGroupName"),
    Listing("elasticache", "describe_cache_clusters", "CacheClusters[].CacheClusterId"),
    Listing("elasticache", "describe_replication_groups", "ReplicationGroups[].ReplicationGroupId"),
    Listing("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroups[].CacheSubnetGroupName"),
    Listing("elasticache", "describe_cache_parameter_groups", "CacheParameterGroups[].CacheParameterGroupName"),
    Listing("elasticache", "describe_users", "Users[].UserId"),
    Listing("elasticache", "describe_user_groups", "UserGroups[].UserGroupId"),
    Listing("elasticache", "describe_snapshots", "Snapshots[].SnapshotName"),
    Listing("kinesis", "list_streams", "StreamNames"),
    Listing("firehose", "list_delivery_streams", "DeliveryStreamNames"),
    Listing("sns", "list_topics", "Topics[].TopicArn"),
    Listing("sns", "list_subscriptions", "Subscriptions[].SubscriptionArn"),
    Listing("cloudwatch", "describe_alarms", "[MetricAlarms, CompositeAlarms][][].AlarmName"),
    Listing("cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"),
    Listing("events", "list_rules", "Rules[].Name"),
    Listing("events", "list_event_buses", "EventBuses[].Name"),
    Listing("codebuild", "list_projects", "projects"),
    Listing("codestar-connections", "list_connections", "Connections[].ConnectionArn"),
    Listing("lambda", "list_functions", "Functions[].FunctionName"),
    Listing("lambda", "list_layers", "Layers[].LayerName"),
    Listing("lambda", "list_event_source_mappings", "EventSourceMappings[].UUID"),
    Listing("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups[].AutoScalingGroupName"),
    Listing("autoscaling", "describe_launch_configurations", "LaunchConfigurations[].LaunchConfigurationName"),
    Listing("dynamodb", "list_tables", "TableNames"),
)
# Only for programs that make them: the first call costs the embedded emulator a second and 190 MB.
BESIDE = (
    Listing("codepipeline", "list_pipelines", "pipelines[].name"),
    Listing(
        "application-autoscaling",
        "describe_scalable_targets",
        "ScalableTargets[].ResourceId",
        {"ServiceNamespace": "ecs"},
    ),
)
OF_AWS = ("default.", "default:")  # parameter and option groups that AWS has for everybody
GONE = ("NotFound", "NoSuch", "DoesNotExist")  # in the code of a refusal: the owner of the parts ended meanwhile


class Connections:
    """Clients of one target, kept for all its accounts: to make them takes thrice the time of asking them."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = botocore.session.Session()
        self._session.set_credentials("nobody", "auditor")
        self._credentials = self._session.get_credentials()
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str, account: str) -> Any:
        """The client of a service in a region; what any of them sends from now on is signed for the account."""
        key = (service, region)
        if key not in self._clients:
            patient = Config(read_timeout=PATIENCE, connect_timeout=PATIENCE, retries={"total_max_attempts": 2})
            self._clients[key] = self._session.create_client(
                service, region_name=region, endpoint_url=self.url, config=patient
            )
        self._credentials.access_key = account
        return self._clients[key]

    def close(self) -> None:
        """Close them: a socket that nobody closes fails some later test."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()


class Auditor:
    """Asks one account and region of a target what is left."""

    def __init__(self, connections: Connections, account: str, region: str = "us-east-1") -> None:
        self._connections, self._account, self._region = connections, account, region

    def client(self, service: str) -> Any:
        """A client of the account, until another auditor asks for one."""
        return self._connections.client(service, self._region, self._account)

    def left(self, *, beside: bool = False) -> list[str]:
        """Everything that somebody made in this account and region and that is not in a terminal state.

        Each as `service name`; with `beside` also what is listed there. Raises what boto3 raises when the target does
        not answer one of the listings.
        """
        asked = (*LISTINGS, *(BESIDE if beside else ()))
        return [f"{listing.service} {name}" for listing in asked for name in self.names(listing)]

    def names(self, listing: Listing) -> Iterator[str]:
        """The names of one kind."""
        if listing.of is None:
            yield from self._listed(listing, listing.given)
            return
        for owner in self.names(listing.of):
            given = {**listing.given, listing.into: [owner] if listing.into.endswith("s") else owner}
            try:
                yield from self._listed(listing, given)
            except ClientError as error:
                if not any(word in error.response["Error"]["Code"] for word in GONE):
                    raise

    def _listed(self, listing: Listing, given: dict[str, Any]) -> Iterator[str]:
        client = self.client(listing.service)
        if client.can_paginate(listing.operation):
            pages = client.get_paginator(listing.operation).paginate(**given)
        else:
            pages = [getattr(client, listing.operation)(**given)]
        for page in pages:
            for name in jmespath.search(listing.names, page) or ():
                if name != "default" and not name.startswith(OF_AWS):
                    yield name
