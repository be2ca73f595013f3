"""RDS: functions that look up an engine version, or an instance class that can be ordered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from harness.providers.aws.failures import Refusal
from harness.providers.aws.registry import function
from harness.providers.aws.services.general import filters
from harness.providers.aws.shapes import member_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.providers.aws.asking import Asking
    from harness.providers.aws.declare import Item
    from harness.providers.contract import Props

# Any of these narrows the choice; without one it is AWS's default version.
_CRITERIA: Final = (
    "filters hasMajorTarget hasMinorTarget includeAll latest parameterGroupFamily preferredMajorTargets "
    "preferredUpgradeTargets preferredVersions version"
)
_VERSION_OUTPUTS: Final = (
    "engine exportableLogTypes status supportedFeatureNames supportedModes supportsCertificateRotationWithoutRestart "
    "supportsGlobalDatabases supportsIntegrations supportsLimitlessDatabase supportsLocalWriteForwarding "
    "supportsParallelQuery supportsReadReplica"
)
_OPTION_OUTPUTS: Final = (
    "availabilityZoneGroup engine engineVersion licenseModel maxIopsPerDbInstance maxIopsPerGib maxStorageSize "
    "minIopsPerDbInstance minIopsPerGib minStorageSize multiAzCapable outpostCapable readReplicaCapable storageType "
    "supportedEngineModes supportedNetworkTypes supportsClusters supportsEnhancedMonitoring supportsGlobalDatabases "
    "supportsIamDatabaseAuthentication supportsIops supportsKerberosAuthentication supportsPerformanceInsights "
    "supportsStorageAutoscaling supportsStorageEncryption vpc"
)
_EXACT: Final = (  # arguments that an option must equal
    "readReplicaCapable storageType supportsClusters supportsEnhancedMonitoring supportsGlobalDatabases "
    "supportsIamDatabaseAuthentication supportsIops supportsKerberosAuthentication supportsPerformanceInsights "
    "supportsStorageAutoscaling supportsStorageEncryption"
)
_HOLDING: Final = ("supportedEngineModes", "supportedNetworkTypes")  # arguments that an option must hold all of


def _value(item: Item, name: str) -> Any:
    member = member_for(item, name)
    return item.get(member) if member else None


def _age(version: str) -> list[int]:
    """Key that sorts versions: their numbers."""
    return [int(one) for one in re.findall(r"\d+", version)]


def _newest(items: Iterable[Item]) -> Item:
    return max(items, key=lambda one: _age(one["EngineVersion"]))


def _targets(item: Item, *, major: bool | None = None) -> list[str]:
    there = item.get("ValidUpgradeTarget") or []
    return [one["EngineVersion"] for one in there if major is None or bool(one.get("IsMajorVersionUpgrade")) is major]


def _preferred(items: list[Item], args: Props) -> list[Item]:
    """Those that the lists of preferences name, the most wanted first; all, when there are no such lists."""
    for argument, versions in (
        ("preferredVersions", lambda item: [item["EngineVersion"]]),
        ("preferredUpgradeTargets", _targets),
        ("preferredMajorTargets", lambda item: _targets(item, major=True)),
    ):
        wanted = args.get(argument)
        if wanted:
            items = [item for one in wanted for item in items if one in versions(item)]
    return items


def _describe(asking: Asking, args: Props) -> list[Item]:
    asked: Item = {"Engine": args["engine"], "ListSupportedCharacterSets": True, "ListSupportedTimezones": True}
    for argument, member in (("version", "EngineVersion"), ("parameterGroupFamily", "DBParameterGroupFamily")):
        if args.get(argument):
            asked[member] = args[argument]
    if args.get("filters"):
        asked["Filters"] = filters({"filters": args["filters"]})
    if args.get("includeAll"):
        asked["IncludeAll"] = True
    if args.get("defaultOnly", not any(args.get(one) for one in _CRITERIA.split())):
        asked["DefaultOnly"] = True
    return asking.pages("rds", "describe_db_engine_versions", "DBEngineVersions[]", **asked)


def _choose(asking: Asking, args: Props) -> Item:
    found = _preferred(_describe(asking, args), args)
    if args.get("hasMajorTarget"):
        found = [one for one in found if _targets(one, major=True)]
    if args.get("hasMinorTarget"):
        found = [one for one in found if _targets(one, major=False)]
    if not found:
        raise Refusal("no RDS engine version fits", "DBEngineVersionNotFound")
    if args.get("latest"):
        return _newest(found)
    if len(found) > 1 and not any(key.startswith("preferred") and one for key, one in args.items()):
        names = ", ".join(one["EngineVersion"] for one in found)
        raise Refusal(
            f"several RDS engine versions fit ({names}); narrow it, or set `latest`", "DBEngineVersionAmbiguous"
        )
    return found[0]


@function("aws:rds/getEngineVersion:getEngineVersion", f"defaultOnly engine {_CRITERIA}")
def get_engine_version(asking: Asking, args: Props) -> Props:
    """The one engine version that fits best."""
    found = _choose(asking, args)
    return {
        **args,
        **{name: one for name in _VERSION_OUTPUTS.split() if (one := _value(found, name)) is not None},
        "id": found["EngineVersion"],
        "version": found["EngineVersion"],
        "versionActual": found["EngineVersion"],
        "versionDescription": found.get("DBEngineVersionDescription", ""),
        "engineDescription": found.get("DBEngineDescription", ""),
        "parameterGroupFamily": found.get("DBParameterGroupFamily", ""),
        "defaultCharacterSet": (found.get("DefaultCharacterSet") or {}).get("CharacterSetName", ""),
        "supportedCharacterSets": [one["CharacterSetName"] for one in found.get("SupportedCharacterSets") or []],
        "supportedModes": found.get("SupportedEngineModes") or [],
        "supportedTimezones": [one["TimezoneName"] for one in found.get("SupportedTimezones") or []],
        "supportsLogExportsToCloudwatch": bool(found.get("SupportsLogExportsToCloudwatchLogs")),
        "validMajorTargets": _targets(found, major=True),
        "validMinorTargets": _targets(found, major=False),
        "validUpgradeTargets": _targets(found),
    }


def _fits(option: Item, args: Props) -> bool:
    for name in _EXACT.split():
        if args.get(name) is not None and args[name] != _value(option, name):
            return False
    if args.get("supportsMultiAz") is not None and args["supportsMultiAz"] != option.get("MultiAZCapable"):
        return False
    return all(set(args.get(name) or ()) <= set(_value(option, name) or ()) for name in _HOLDING)


def _options(asking: Asking, args: Props, instance_class: str | None, version: str | None) -> list[Item]:
    asked: Item = {"Engine": args["engine"]}
    for member, value in (
        ("EngineVersion", version),
        ("DBInstanceClass", instance_class),
        ("LicenseModel", args.get("licenseModel")),
        ("AvailabilityZoneGroup", args.get("availabilityZoneGroup")),
        ("Vpc", args.get("vpc")),
    ):
        if value is not None and value != "":
            asked[member] = value
    at = "OrderableDBInstanceOptions[]"
    options = asking.pages("rds", "describe_orderable_db_instance_options", at, **asked)
    return [one for one in options if _fits(one, args)]


def _order(asking: Asking, args: Props) -> list[Item]:
    """Options of the first preferred class that has any; within it, of the first preferred version that has any."""
    version = args.get("engineVersion")
    if not version and not args.get("preferredEngineVersions") and not args.get("engineLatestVersion"):
        default = _describe(asking, {"engine": args["engine"], "defaultOnly": True})
        version = default[0]["EngineVersion"] if default else None
    for instance_class in args.get("preferredInstanceClasses") or [args.get("instanceClass")]:
        found = _options(asking, args, instance_class, version)
        wanted = args.get("preferredEngineVersions") or []
        if wanted:
            found = [one for name in wanted for one in found if one["EngineVersion"] == name]
        if found:
            return found
    return []


@function(
    "aws:rds/getOrderableDbInstance:getOrderableDbInstance",
    f"{_EXACT} {' '.join(_HOLDING)} availabilityZoneGroup engine engineLatestVersion engineVersion instanceClass "
    "licenseModel preferredEngineVersions preferredInstanceClasses supportsMultiAz vpc",
)
def get_orderable_db_instance(asking: Asking, args: Props) -> Props:
    """The instance class that fits best and can be ordered."""
    found = _order(asking, args)
    if not found:
        raise Refusal("no RDS instance class fits", "OrderableDBInstanceNotFound")
    narrowed = args.get("preferredInstanceClasses") or args.get("preferredEngineVersions")
    classes = sorted({one["DBInstanceClass"] for one in found})
    if len(classes) > 1 and not narrowed:
        reason = (
            f"several RDS instance classes fit ({', '.join(classes)}); narrow it, or set `preferredInstanceClasses`"
        )
        raise Refusal(reason, "OrderableDBInstanceAmbiguous")
    option = _newest(found) if args.get("engineLatestVersion") else found[0]
    return {
        **args,
        **{name: one for name in _OPTION_OUTPUTS.split() if (one := _value(option, name)) is not None},
        "id": option["DBInstanceClass"],
        "instanceClass": option["DBInstanceClass"],
        "availabilityZones": [one["Name"] for one in option.get("AvailabilityZones") or []],
        "supportsMultiAz": bool(option.get("MultiAZCapable")),
    }
