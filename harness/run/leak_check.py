"""What a cell may have made in; the verdict whether anything of it is left at the target, out."""

from __future__ import annotations

from harness.model import Failure, PhaseName, ResourceRef
from harness.run.estate import Estate, named
from harness.run.leaks import ELSEWHERE, as_refs, doubts, ref, remnant_ref, unasked
from harness.run.record import PhaseError, Record

_PHASE = PhaseName.LEAK_CHECK


def check_leaks(estate: Estate, record: Record) -> None:
    """Ask about all of it, remove what is still there, and ask again.

    Raises:
        PhaseError: something is left, or, with the bundled provider, something could not be asked about.
        WorldError: the target cannot be asked.
    """
    estate.learn()
    # Until the target has answered, nothing is known to be gone.
    record.unverified = unasked(estate.ledger)
    estate.search(estate.ledger.types)
    estate.await_lost()
    seen = estate.survey(estate.ledger.known)
    if seen.existing:
        estate.free(seen.existing)
        estate.remove(seen.existing)
        seen = estate.survey(estate.ledger.known)
    left = estate.remains(estate.ledger.known, blocking=False, remove=True)
    estate.keep_remnants(left)
    holding = estate.remains(seen.existing, blocking=True, remove=False)
    existing, unverified = as_refs(seen, estate.endpoint)
    kept = [(parent, one) for parent, one in (*left.found, *holding.found) if not one.gone]
    remnants = tuple(remnant_ref(parent, one, estate.endpoint) for parent, one in kept if not one.lasting)
    record.leaked = tuple(dict.fromkeys((*existing, *remnants)))
    record.lasting = tuple(ref(known, why) for known, why in seen.lasting) + tuple(
        remnant_ref(parent, one, estate.endpoint) for parent, one in kept if one.lasting
    )
    unsought = tuple(
        ref(parent, f"what AWS may have left of it could not be asked for: {why}")
        for parent, why in (*left.unverified, *holding.unverified)
    )
    journaled = record.spec.provider == "bundled"
    in_doubt = doubts(estate.ledger, journaled=journaled, answered=estate.all_answered)
    record.unverified = (*unverified, *unsought, *in_doubt, *(others := estate.left_to_others))
    if record.leaked:
        raise PhaseError(
            Failure(
                phase=_PHASE,
                message=f"{len(record.leaked)} resources still exist: {named(record.leaked)}",
                hint=f"harness destroy {record.spec.run} tries again; the lease stays open",
            )
        )
    blind = tuple(one for one in record.unverified if others or not _vouched_for(one, estate, record))
    if blind:
        raise PhaseError(
            Failure(
                phase=_PHASE,
                message=f"{len(blind)} resources could not be asked about: "
                f"{blind[0].type} {blind[0].id}: {blind[0].reason}",
                hint=f"harness destroy {record.spec.run} asks again; the lease stays open",
            )
        )


def _vouched_for(one: ResourceRef, estate: Estate, record: Record) -> bool:
    """Whether the engine's word must do for something that could not be asked about.

    Only where nobody can ask: a type without a declaration, or credentials of the program's own; and only when the
    official plugin said that it deleted all of it.
    """
    if record.spec.provider == "bundled" or not estate.engine_proved:
        return False
    from harness.providers.aws.registry import resources  # every service's file: only for what could not be asked

    return one.reason == ELSEWHERE or one.type not in resources()
