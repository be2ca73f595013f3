"""Names that the plan mints are names that AWS takes."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SuffixError
from harness.plan.naming import check_suffix, is_run_id, random_suffix, run_id, stack_name, suffix_budget

projects = st.from_regex(r"[a-z][a-z0-9-]{0,40}", fullmatch=True)


@given(st.integers(), projects)
def test_a_random_suffix_obeys_the_rules_for_given_ones(seed: int, project: str) -> None:
    """What we mint ourselves would be accepted from a user, wherever the budget has room for it."""
    suffix = random_suffix(random.Random(seed))
    assert re.fullmatch(r"[a-z][a-z0-9]{7}", suffix)
    if suffix_budget(project) >= len(suffix):
        assert check_suffix(suffix, project) == suffix


@pytest.mark.parametrize("suffix", ["pr-123", "a", "0", "x9", "dev-a-b"])
def test_good_suffixes_are_kept_as_they_are(suffix: str) -> None:
    """Inner hyphens are allowed."""
    assert check_suffix(suffix, "financial") == suffix


@pytest.mark.parametrize("suffix", ["", "-a", "a-", "A", "a_b", "a--b", "ü", "a b", "a.b", "a\n"])
def test_malformed_suffixes_are_refused_with_a_hint(suffix: str) -> None:
    """A suffix that AWS would refuse is refused here, where nothing exists yet."""
    with pytest.raises(SuffixError) as refused:
        check_suffix(suffix, "financial")
    assert refused.value.hint


def test_a_suffix_that_is_too_long_names_the_limit_and_whose_it_is() -> None:
    """The user learns the number and the AWS service behind it."""
    with pytest.raises(SuffixError, match=r"at most 12 fit") as refused:
        check_suffix("a" * 13, "financial")
    assert "ELB" in refused.value.hint


@given(st.integers(), st.text(min_size=1, max_size=200))
def test_stack_names_are_what_pulumi_takes(seed: int, project: str) -> None:
    """Whatever the project is called, the stack's name is legal."""
    name = stack_name(project, random_suffix(random.Random(seed)))
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,100}", name)


def test_two_runs_do_not_share_an_id() -> None:
    """Run ids differ."""
    rng = random.Random(7)
    made = {run_id(rng) for _ in range(1000)}
    assert len(made) == 1000
    assert all(map(is_run_id, made))
    for other in ("", "r-1", "../../home", "r-aaaaaaaaaa/", "r-aaaaaaaaaa\n", "r-AAAAAAAAAA", "xr-aaaaaaaaaa"):
        assert not is_run_id(other)
