"""RDS: Aurora clusters and their instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Tagging, Update, Wait
from harness.providers.contract import UNKNOWN, CheckFailure, ProviderError

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_TARGET: Final = {"ResourceName": "{arn}"}
TAGGING: Final = Tagging(
    tag=Call("AddTagsToResource", _TARGET),
    untag=Call("RemoveTagsFromResource", _TARGET),
    listing=Call("ListTagsForResource", _TARGET, at="TagList"),
)
_BROKEN: Final = (
    "failed restore-error incompatible-network incompatible-parameters incompatible-restore incompatible-option-group "
    "inaccessible-encryption-credentials insufficient-capacity storage-full"
)


def _version(work: Work, item: Item, props: Props) -> None:
    """`15` asks for any 15: what AWS chose is told beside it, and is no drift."""
    actual, asked = str(item.get("EngineVersion", "")), str(work.inputs.get("engineVersion") or "")
    props["engineVersionActual"] = actual
    if asked and actual.startswith(f"{asked}."):
        props["engineVersion"] = asked


def _read_cluster(work: Work, item: Item, props: Props) -> None:
    _version(work, item, props)
    secret = item.get("MasterUserSecret")
    if secret:
        props["masterUserSecrets"] = [
            {
                "kmsKeyId": secret.get("KmsKeyId", ""),
                "secretArn": secret.get("SecretArn", ""),
                "secretStatus": secret.get("SecretStatus", ""),
            }
        ]
        props["manageMasterUserPassword"] = True


def _log_exports(work: Work) -> None:
    before = set(work.old.get("enabledCloudwatchLogsExports") or [])
    after = set(work.inputs.get("enabledCloudwatchLogsExports") or [])
    settings = {"EnableLogTypes": sorted(after - before), "DisableLogTypes": sorted(before - after)}
    work.call("ModifyDBCluster", DBClusterIdentifier=work.id, CloudwatchLogsExportConfiguration=settings)


def _delete_cluster(work: Work) -> None:
    if work.forces("skipFinalSnapshot"):
        last: Item = {"SkipFinalSnapshot": True}
    elif work.get("finalSnapshotIdentifier"):
        last = {"SkipFinalSnapshot": False, "FinalDBSnapshotIdentifier": work.get("finalSnapshotIdentifier")}
    else:
        raise ProviderError("finalSnapshotIdentifier is required when skipFinalSnapshot is false")
    keep = {"DeleteAutomatedBackups": bool(work.get("deleteAutomatedBackups", True))}
    work.call("DeleteDBCluster", DBClusterIdentifier=work.id, **last, **keep)


def _check_cluster(inputs: Props) -> list[CheckFailure]:
    both = inputs.get("masterPassword") is not None and inputs.get("manageMasterUserPassword") not in (None, False)
    if both and inputs["manageMasterUserPassword"] is not UNKNOWN:
        return [CheckFailure("masterPassword", "masterPassword and manageMasterUserPassword exclude each other")]
    return []


_CLUSTER_MODIFIED: Final = (
    "allocatedStorage allowMajorVersionUpgrade applyImmediately autoMinorVersionUpgrade backtrackWindow "
    "backupRetentionPeriod "
    "caCertificateIdentifier copyTagsToSnapshot databaseInsightsMode dbClusterInstanceClass "
    "dbClusterParameterGroupName "
    "dbInstanceParameterGroupName deletionProtection domain domainIamRoleName enableGlobalWriteForwarding "
    "enableHttpEndpoint enableLocalWriteForwarding engineVersion iamDatabaseAuthenticationEnabled iops "
    "manageMasterUserPassword masterPassword masterUserSecretKmsKeyId monitoringInterval monitoringRoleArn networkType "
    "performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod port "
    "preferredBackupWindow preferredMaintenanceWindow scalingConfiguration serverlessv2ScalingConfiguration "
    "storageType "
    "vpcSecurityGroupIds"
)

CLUSTER = Resource(
    token="aws:rds/cluster:Cluster",
    service="rds",
    noun="RDS cluster",
    args=f"{_CLUSTER_MODIFIED} engine availabilityZones clusterIdentifier clusterScalabilityType "
    "databaseName dbSubnetGroupName deleteAutomatedBackups enabledCloudwatchLogsExports engineLifecycleSupport "
    "engineMode "
    "finalSnapshotIdentifier kmsKeyId masterUsername publiclyAccessible replicationSourceIdentifier skipFinalSnapshot "
    "storageEncrypted",
    refused="clusterMembers dbSystemId globalClusterIdentifier iamRoles masterPasswordWo masterPasswordWoVersion "
    "restoreToPointInTime s3Import snapshotIdentifier sourceRegion warningEventCategories",
    required="engine",
    outputs="arn caCertificateValidTill clusterMembers clusterResourceId endpoint engineVersionActual hostedZoneId "
    "masterUserSecrets readerEndpoint",
    create=Call("CreateDBCluster"),
    id="{clusterIdentifier}",
    identity="{clusterIdentifier}",
    check=_check_cluster,
    rename={
        "arn": "DBClusterArn",
        "clusterIdentifier": "DBClusterIdentifier",
        "clusterResourceId": "DbClusterResourceId",
        "dbClusterInstanceClass": "DBClusterInstanceClass",
        "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
        "masterPassword": "MasterUserPassword",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    },
    reads={
        "caCertificateIdentifier": "CertificateDetails.CAIdentifier",
        "caCertificateValidTill": "CertificateDetails.ValidTill",
        "clusterMembers": "DBClusterMembers[].DBInstanceIdentifier",
        "dbClusterParameterGroupName": "DBClusterParameterGroup",
        "dbSubnetGroupName": "DBSubnetGroup",
        "enableHttpEndpoint": "HttpEndpointEnabled",
        "enabledCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
        "iamDatabaseAuthenticationEnabled": "IAMDatabaseAuthenticationEnabled",
        "masterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
        "performanceInsightsEnabled": "PerformanceInsightsEnabled",
        "scalingConfiguration": "ScalingConfigurationInfo",
        "vpcSecurityGroupIds": "VpcSecurityGroups[].VpcSecurityGroupId",
    },
    read=Call("DescribeDBClusters", {"DBClusterIdentifier": "{id}"}, at="DBClusters[0]"),
    read_more=_read_cluster,
    delete_with=_delete_cluster,
    updates=(
        Update("enabledCloudwatchLogsExports", apply=_log_exports),
        Update(
            _CLUSTER_MODIFIED,
            Call("ModifyDBCluster", {"DBClusterIdentifier": "{id}"}),
            also="applyImmediately allowMajorVersionUpgrade",
            on_create=False,
        ),
    ),
    inert="deleteAutomatedBackups finalSnapshotIdentifier skipFinalSnapshot",
    write_only="allowMajorVersionUpgrade applyImmediately masterPassword manageMasterUserPassword "
    "dbInstanceParameterGroupName replicationSourceIdentifier enableGlobalWriteForwarding enableLocalWriteForwarding "
    "domain domainIamRoleName clusterScalabilityType",
    untold="autoMinorVersionUpgrade backtrackWindow caCertificateIdentifier databaseInsightsMode "
    "enabledCloudwatchLogsExports monitoringInterval monitoringRoleArn performanceInsightsEnabled "
    "performanceInsightsKmsKeyId performanceInsightsRetentionPeriod publiclyAccessible storageType",
    sets="availabilityZones vpcSecurityGroupIds enabledCloudwatchLogsExports",
    secret="masterPassword",
    computed="allocatedStorage autoMinorVersionUpgrade availabilityZones caCertificateIdentifier "
    "clusterScalabilityType "
    "databaseInsightsMode databaseName dbClusterParameterGroupName dbSubnetGroupName engineLifecycleSupport engineMode "
    "engineVersion iops kmsKeyId masterPassword masterUserSecretKmsKeyId masterUsername monitoringInterval "
    "monitoringRoleArn networkType performanceInsightsKmsKeyId performanceInsightsRetentionPeriod port "
    "preferredBackupWindow preferredMaintenanceWindow publiclyAccessible storageEncrypted storageType "
    "vpcSecurityGroupIds applyImmediately allowMajorVersionUpgrade",
    defaults={
        "backupRetentionPeriod": 1,
        "copyTagsToSnapshot": False,
        "deleteAutomatedBackups": True,
        "skipFinalSnapshot": False,
    },
    reset={"serverlessv2ScalingConfiguration": {"MinCapacity": 0.5, "MaxCapacity": 1.0}},
    naming=Naming("clusterIdentifier", limit=63, allowed=r"a-z0-9\-", lower=True, prefix="clusterIdentifierPrefix"),
    tagging=TAGGING,
    wait=Wait("Status", ready="available", failed=_BROKEN, minutes=120),
    find=Find(Call("DescribeDBClusters", at="DBClusters[]"), id="DBClusterIdentifier"),
    # The role for monitoring or the groups may have been made a moment ago.
    retry_create="InvalidParameterValue:IAM role ARN value is invalid\nInvalidDBClusterStateFault",
    retry_delete="InvalidDBClusterStateFault",
)


def _read_instance(work: Work, item: Item, props: Props) -> None:
    _version(work, item, props)
    groups = item.get("DBParameterGroups") or [{}]
    if groups[0].get("DBParameterGroupName"):
        props["dbParameterGroupName"] = groups[0]["DBParameterGroupName"]
    cluster = item.get("DBClusterIdentifier")
    if cluster:
        answer = work.seek("DescribeDBClusters", DBClusterIdentifier=cluster) or {"DBClusters": []}
        members = [one for found in answer["DBClusters"] for one in found.get("DBClusterMembers", [])]
        own = [one for one in members if one.get("DBInstanceIdentifier") == work.id]
        props["writer"] = bool(own and own[0].get("IsClusterWriter"))


_INSTANCE_MODIFIED: Final = (
    "applyImmediately autoMinorVersionUpgrade caCertIdentifier copyTagsToSnapshot dbParameterGroupName instanceClass "
    "monitoringInterval "
    "monitoringRoleArn performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod "
    "preferredBackupWindow preferredMaintenanceWindow promotionTier publiclyAccessible"
)

CLUSTER_INSTANCE = Resource(
    token="aws:rds/clusterInstance:ClusterInstance",
    service="rds",
    noun="RDS cluster instance",
    args=f"{_INSTANCE_MODIFIED} clusterIdentifier engine availabilityZone customIamInstanceProfile "
    "dbSubnetGroupName engineVersion forceDestroy identifier",
    refused="warningEventCategories",
    required="clusterIdentifier engine instanceClass",
    outputs="arn dbiResourceId endpoint engineVersionActual kmsKeyId networkType port storageEncrypted writer",
    create=Call("CreateDBInstance"),
    id="{identifier}",
    identity="{identifier}",
    rename={
        "arn": "DBInstanceArn",
        "caCertIdentifier": "CACertificateIdentifier",
        "clusterIdentifier": "DBClusterIdentifier",
        "dbiResourceId": "DbiResourceId",
        "identifier": "DBInstanceIdentifier",
        "instanceClass": "DBInstanceClass",
        "performanceInsightsEnabled": "EnablePerformanceInsights",
        "performanceInsightsKmsKeyId": "PerformanceInsightsKMSKeyId",
    },
    reads={
        "dbSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
        "endpoint": "Endpoint.Address",
        "performanceInsightsEnabled": "PerformanceInsightsEnabled",
        "port": "Endpoint.Port",
    },
    read=Call("DescribeDBInstances", {"DBInstanceIdentifier": "{id}"}, at="DBInstances[0]"),
    read_more=_read_instance,
    delete=Call("DeleteDBInstance", {"DBInstanceIdentifier": "{id}", "SkipFinalSnapshot": True}),
    updates=(
        Update(
            _INSTANCE_MODIFIED,
            Call("ModifyDBInstance", {"DBInstanceIdentifier": "{id}"}),
            also="applyImmediately",
            on_create=False,
        ),
    ),
    inert="forceDestroy",
    write_only="applyImmediately",
    untold="performanceInsightsKmsKeyId",
    computed="applyImmediately availabilityZone caCertIdentifier dbParameterGroupName dbSubnetGroupName engineVersion "
    "monitoringRoleArn performanceInsightsEnabled performanceInsightsKmsKeyId performanceInsightsRetentionPeriod "
    "preferredBackupWindow preferredMaintenanceWindow publiclyAccessible copyTagsToSnapshot",
    defaults={"autoMinorVersionUpgrade": True, "forceDestroy": False, "monitoringInterval": 0, "promotionTier": 0},
    naming=Naming("identifier", limit=63, allowed=r"a-z0-9\-", lower=True, prefix="identifierPrefix"),
    tagging=TAGGING,
    wait=Wait("DBInstanceStatus", ready="available", failed=_BROKEN, minutes=90),
    find=Find(Call("DescribeDBInstances", at="DBInstances[?DBClusterIdentifier]"), id="DBInstanceIdentifier"),
    retry_create="InvalidParameterValue:IAM role ARN value is invalid\nInvalidDBClusterStateFault",
    retry_delete="InvalidDBInstanceState",
)
