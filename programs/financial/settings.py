"""Configuration and what the region has in; one frozen `Settings` out, or a `RunError` that says what to set."""

import os
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

ENGINE = "aurora-postgresql"
# Newest first. Clusters below 15.10 are refused; minors that do not exist (yet) are passed over by the lookup.
PREFERRED_VERSIONS = [f"15.{minor}" for minor in range(30, 9, -1)]
DEFAULT_ZONES = 3
FEWEST_ZONES = 2  # an Aurora subnet group must span two
MOST_ZONES = 6  # no region has more


@dataclass(frozen=True)
class Settings:
    """What differs from one deployment to the next."""

    suffix: str
    region: str
    zones: tuple[str, ...]
    engine_version: str
    tags: dict[str, str]

    def name(self, resource: str) -> str:
        """Physical name of a resource."""
        return f"financial-{resource}-{self.suffix}"

    def tagged(self, resource: str) -> dict[str, str]:
        """Tags of a resource whose only name is a tag."""
        return {**self.tags, "Name": self.name(resource)}


def read_settings() -> Settings:
    """Stack configuration, then the environment, then what the region offers."""
    config = pulumi.Config()
    suffix = config.get("environmentSuffix") or os.environ.get("ENVIRONMENT_SUFFIX")
    if not suffix:
        raise pulumi.RunError(
            "no environment suffix: every name needs one. Say `pulumi config set environmentSuffix dev-1`, "
            "or set ENVIRONMENT_SUFFIX."
        )
    wanted = config.get_int("azCount")
    return Settings(
        suffix=suffix,
        region=aws.get_region().region,
        zones=_zones(DEFAULT_ZONES if wanted is None else wanted),
        engine_version=config.get("engineVersion") or _newest_version(),
        tags={
            "Environment": config.get("environment") or "test",
            "Project": "financial",
            "CostCenter": config.get("costCenter") or "finance",
        },
    )


def _zones(wanted: int) -> tuple[str, ...]:
    if not FEWEST_ZONES <= wanted <= MOST_ZONES:
        raise pulumi.RunError(f"azCount is {wanted}; {FEWEST_ZONES} to {MOST_ZONES} are possible.")
    # Local and wavelength zones need an opt-in, and have neither NAT gateways nor Aurora.
    ordinary = aws.GetAvailabilityZonesFilterArgs(name="opt-in-status", values=["opt-in-not-required"])
    names = sorted(aws.get_availability_zones(state="available", filters=[ordinary]).names)
    if len(names) < FEWEST_ZONES:
        raise pulumi.RunError(
            f"the region has {len(names)} availability zone(s); Aurora needs {FEWEST_ZONES}. Choose another aws:region."
        )
    if len(names) < wanted:
        pulumi.log.warn(f"azCount is {wanted}, the region has {len(names)} availability zones: {len(names)} are used")
    return tuple(names[:wanted])


def _newest_version() -> str:
    return aws.rds.get_engine_version(engine=ENGINE, preferred_versions=PREFERRED_VERSIONS).version_actual
