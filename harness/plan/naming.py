"""Random suffixes, run ids and stack names: a source of randomness in, names that AWS accepts out."""

from __future__ import annotations

import random
import re
import string

from harness.errors import SuffixError

SUFFIX_KEY = "environmentSuffix"  # of the stack configuration, in the project's namespace
SUFFIX_LENGTH = 8  # 36^8: two runs in one account do not meet by chance
SUFFIX_LONGEST = 20
SUFFIX_SHORTEST_BUDGET = 4
# Load balancers and target groups: "can have a maximum of 32 characters" (ELBv2 CreateLoadBalancer), the tightest
# limit among names that usually carry the suffix; ten of them are left for the resource's own word.
TIGHTEST_NAME = 32
RESOURCE_WORD = 10

_ALPHABET = string.ascii_lowercase + string.digits
_GIVEN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")


def random_suffix(rng: random.Random) -> str:
    """Eight of a-z and 0-9, a letter first."""
    return rng.choice(string.ascii_lowercase) + "".join(rng.choices(_ALPHABET, k=SUFFIX_LENGTH - 1))


def suffix_budget(project: str) -> int:
    """How many characters a suffix may have beside this project's name."""
    left = TIGHTEST_NAME - RESOURCE_WORD - len(project) - 1
    return max(SUFFIX_SHORTEST_BUDGET, min(SUFFIX_LONGEST, left))


def check_suffix(suffix: str, project: str) -> str:
    """The suffix itself, or SuffixError with the rule, the limit and whose limit it is."""
    if not suffix:
        raise SuffixError(
            "the environment suffix is empty", hint="leave it out for a random one, or give --suffix pr-123"
        )
    if not _GIVEN.fullmatch(suffix) or "--" in suffix:
        raise SuffixError(
            f"suffix {suffix!r} is malformed: only a-z, 0-9 and single hyphens inside are allowed",
            hint="S3 bucket and RDS identifiers allow no capitals, underscores or outer hyphens; try --suffix pr-123",
        )
    budget = suffix_budget(project)
    if len(suffix) > budget:
        raise SuffixError(
            f"suffix {suffix!r} has {len(suffix)} characters; beside the project name {project!r} at most {budget} fit",
            hint=f"ELB names end at {TIGHTEST_NAME} characters and S3 buckets at 63; shorten the suffix",
        )
    return suffix


def run_id(rng: random.Random) -> str:
    """Names one invocation: `r-` and ten of a-z0-9, short enough for tags and folder names."""
    return "r-" + "".join(rng.choices(_ALPHABET, k=10))


def is_run_id(text: str) -> bool:
    """Whether `run_id` may have made it."""
    return re.fullmatch(r"r-[a-z0-9]{10}", text) is not None


def stack_name(project: str, suffix: str) -> str:
    """`PROJECT-SUFFIX`, within what Pulumi allows (letters, digits, `-_.`, 100 characters)."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '-', project)}-{suffix}"[:100]
