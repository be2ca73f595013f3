"""What a cell may have made in; the verdict whether anything of it is left at the target, out."""

from __future__ import annotations

from harness.model import Failure, PhaseName
from harness.run.estate import Estate, named
from harness.run.leaks import as_refs, doubts, ref, remnant_ref, unasked
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
    record.unverified = (*unverified, *unsought, *doubts(estate.ledger, journaled=record.spec.provider == "bundled"))
    if record.leaked:
        raise PhaseError(
            Failure(
                phase=_PHASE,
                message=f"{len(record.leaked)} resources still exist: {named(record.leaked)}",
                hint=f"harness destroy {record.spec.run} tries again; the lease stays open",
            )
        )
    if record.unverified:
        _judge_unverified(record)


def _judge_unverified(record: Record) -> None:
    """The bundled provider can describe all that it makes: an answer that is missing is no proof."""
    if record.spec.provider == "bundled":
        first = record.unverified[0]
        raise PhaseError(
            Failure(
                phase=_PHASE,
                message=f"{len(record.unverified)} resources could not be asked about: "
                f"{first.type} {first.id}: {first.reason}",
                hint=f"harness destroy {record.spec.run} asks again; the lease stays open",
            )
        )
