"""Configuration and what the region has in; one frozen `Settings` out, or a `RunError` that says what to set."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

ENGINE = "aurora-postgresql"
# Newest first. Clusters below these are refused; minors that do not exist (yet) are passed over by the lookup.
POSTGRES_15 = [f"15.{minor}" for minor in range(30, 9, -1)]
POSTGRES_16 = [f"16.{minor}" for minor in range(30, 7, -1)]
DEFAULT_ZONES = 3
FEWEST_ZONES = 2  # an Aurora subnet group and a load balancer must span two
MOST_ZONES = 6  # no region has more
_ZONE_ID = re.compile(r"[a-z0-9-]+-az\d+")


@dataclass(frozen=True)
class Settings:
    """What differs from one deployment to the next."""

    project: str
    suffix: str
    region: str
    zones: tuple[str, ...]
    engine_version: str  # empty where the program has no database
    account: str
    partition: str
    dns_suffix: str
    tags: dict[str, str]

    def name(self, resource: str) -> str:
        """Physical name of a resource."""
        return f"{self.project}-{resource}-{self.suffix}"

    def tagged(self, resource: str) -> dict[str, str]:
        """Tags of a resource whose only name is a tag."""
        return {**self.tags, "Name": self.name(resource)}

    def arn(self, service: str, resource: str) -> str:
        """ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


def read_settings(
    project: str, *, cost_center: str, versions: Sequence[str] = (), zones: int = DEFAULT_ZONES
) -> Settings:
    """Stack configuration, then the environment, then what the region offers.

    `versions` are the database's, newest first; without them the program has none. `zones` is the fallback of azCount.
    """
    config = pulumi.Config()
    suffix = config.get("environmentSuffix") or os.environ.get("ENVIRONMENT_SUFFIX")
    if not suffix:
        raise pulumi.RunError(
            "no environment suffix: every name needs one. Say `pulumi config set environmentSuffix dev-1`, "
            "or set ENVIRONMENT_SUFFIX."
        )
    wanted = config.get_int("azCount")
    partition = aws.get_partition()
    return Settings(
        project=project,
        suffix=suffix,
        region=aws.get_region().region,
        zones=_zones(zones if wanted is None else wanted, _excluded(config.get("excludeZoneIds") or "")),
        engine_version=_version(config.get("engineVersion"), versions),
        account=aws.get_caller_identity().account_id,
        partition=partition.partition,
        dns_suffix=partition.dns_suffix,
        tags={
            "Environment": config.get("environment") or "test",
            "Project": project,
            "CostCenter": config.get("costCenter") or cost_center,
        },
    )


def _excluded(given: str) -> list[str]:
    """Ids, which mean the same zone everywhere: AWS deals out the letters anew for each account."""
    ids = [one.strip() for one in given.split(",") if one.strip()]
    for one in ids:
        if not _ZONE_ID.fullmatch(one):
            raise pulumi.RunError(
                f"excludeZoneIds has {one!r}; ids of zones are wanted, such as use1-az3,use1-az5: "
                "`aws ec2 describe-availability-zones` shows them."
            )
    return ids


def _zones(wanted: int, excluded: list[str]) -> tuple[str, ...]:
    if not FEWEST_ZONES <= wanted <= MOST_ZONES:
        raise pulumi.RunError(f"azCount is {wanted}; {FEWEST_ZONES} to {MOST_ZONES} are possible.")
    # Local and wavelength zones need an opt-in, and have neither NAT gateways nor Aurora.
    ordinary = aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])
    found = aws.get_availability_zones(state="available", filters=[ordinary], exclude_zone_ids=excluded or None)
    names = sorted(found.names)
    beside, remedy = (" beside those of excludeZoneIds", "Exclude fewer, or choose") if excluded else ("", "Choose")
    if len(names) < FEWEST_ZONES:
        raise pulumi.RunError(
            f"the region has {len(names)} availability zone(s){beside}; Aurora needs {FEWEST_ZONES}. "
            f"{remedy} another aws:region."
        )
    if len(names) < wanted:
        pulumi.log.warn(
            f"azCount is {wanted}, the region has {len(names)} availability zones{beside}: {len(names)} are used"
        )
    return tuple(names[:wanted])


def _version(given: str | None, preferred: Sequence[str]) -> str:
    if not preferred:
        return ""
    return given or aws.rds.get_engine_version(engine=ENGINE, preferred_versions=list(preferred)).version_actual
