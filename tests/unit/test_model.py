"""Statuses merge as the design says."""

import itertools

import pytest

from harness.errors import ExitCode
from harness.model import CellStatus, worst_exit_code

S = CellStatus


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ([], 0),
        ([S.PASSED, S.SKIPPED], 0),
        ([S.PASSED, S.REJECTED], 2),
        ([S.REJECTED, S.FAILED], 1),
        ([S.REJECTED, S.KEPT], 1),
        ([S.ERRORED, S.INTERRUPTED], 130),
        ([S.INTERRUPTED, S.LEAKED, S.PASSED], 3),
    ],
)
def test_of_several_cells_the_worst_decides(statuses: list[CellStatus], code: int) -> None:
    """3, then 130, 1, 2, 0; whatever the order of the cells."""
    for order in itertools.permutations(statuses):
        assert worst_exit_code(list(order)) == code


def test_every_status_has_an_exit_code() -> None:
    """Only what passed or was skipped returns 0."""
    assert {s for s in S if s.exit_code is ExitCode.PASSED} == {S.PASSED, S.SKIPPED}
