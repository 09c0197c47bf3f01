"""`/loop release` and `/loop dora`: what was shipped and is to come, what it brings, and what it broke."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

from loopbot.domain import dora
from loopbot.domain.phrasing import counted
from loopbot.domain.records import Change, Deployment, Incident, Record, Ref, Release
from loopbot.domain.scoring import span_in_words
from loopbot.domain.speech import Block, Bullets, Context, Fields, Lead, Message, Moment, Paragraph, Said, Words
from loopbot.domain.texts import shorten
from loopbot.ports import Tx
from loopbot.usecases.conversation.desk import Desk, key_of
from loopbot.usecases.way import delivered

_DAYS: Final = 30
_RECENT: Final = timedelta(days=30)
_AHEAD: Final = timedelta(days=120)
_MOST: Final = 5
_FOREVER: Final = timedelta(days=365)


def releases(desk: Desk, words: Sequence[str]) -> Message:
    """The releases and deployments before and after now, and what they hold; with words, those of that service or place."""
    with desk.loop.store.read() as tx:
        now = tx.now()
        planned = [one for one in tx.between("release", now - _FOREVER, now + _AHEAD) if not one.finished]
        changes = [one for one in tx.between("change", now, now + _AHEAD) if not one.finished and _fits(one, words)]
        shipped = [one for one in tx.between("deployment", now - _RECENT, now) if _fits(one, words)][:_MOST]
        coming = sorted(planned, key=_planned_for)[:_MOST]
        held = {one.ref: delivered(tx, one) for one in (*coming, *shipped)}
        broke = tx.progress.caused([one.ref for one in shipped])
    blocks: list[Block] = [Lead(_headline(coming, shipped))]
    if coming or changes:
        lines = (
            *(_release(one, held[one.ref]) for one in coming),
            *(_change(one) for one in reversed(changes[-_MOST:])),
        )
        blocks += [Paragraph((Said("Next", strong=True),)), Bullets(tuple(lines))]
    if shipped:
        lines = tuple(_deployment(one, held[one.ref], len(broke.get(one.ref, ()))) for one in shipped)
        blocks += [Paragraph((Said("Last", strong=True),)), Bullets(lines)]
    blocks.append(Context(f"The last {_RECENT.days} days. {desk.command} status KEY says what one of them brings."))
    return Message(tuple(blocks))


def four_keys(desk: Desk, words: Sequence[str]) -> Message:
    """DORA's four keys by service in one environment, each with what it is made of."""
    days = next((int(word) for word in words if word.isdecimal() and 0 < int(word) <= 365), _DAYS)
    rest = [word for word in words if not word.isdecimal()]
    span = timedelta(days=days)
    with desk.loop.store.read() as tx:
        now = tx.now()
        found = [one for one in tx.between("deployment", now - span, now) if isinstance(one, Deployment)]
        environments = sorted({one.environment for one in found if one.environment})
        where = next((one for one in environments if one.casefold() in rest), "production")
        service = _service(found, [word for word in rest if word != where.casefold()])
        there = [one for one in found if one.environment == where and (not service or service in one.services)]
        caused = _caused(tx, there)
    measured = dora.keys(there, caused, span)
    about = " ".join(part for part in (f"{service}," if service else "", where) if part)
    if not measured.deployments:
        known = f" Environments with deployments: {', '.join(environments)}." if environments else ""
        return Message((Lead(f"Nothing was deployed to {about} in the last {days} days."), *([Context(known.strip())] if known else [])))  # fmt: skip
    blocks: list[Block] = [Lead(f"DORA's four keys: {about}, the last {days} days"), Fields(tuple(_keys(measured)))]
    failures = tuple(_failure(measured, ref) for ref in list(measured.failed)[-_MOST:])
    if failures:
        blocks += [Paragraph((Said("What failed", strong=True),)), Bullets(failures)]
    services = tuple(
        _of_service(name, there, caused, span) for name in sorted({name for one in there for name in one.services})
    )
    if not service and len(services) > 1:
        blocks += [Paragraph((Said("By service", strong=True),)), Bullets(services[:15])]
    blocks.append(Context("A deployment counts as failed where an incident is linked with it as its cause, or where it was rolled back. Lead time is from its oldest commit, where the build system tells."))  # fmt: skip
    return Message(tuple(blocks))


def _fits(record: Record, words: Sequence[str]) -> bool:
    if not words:
        return True
    told = " ".join((*record.services, getattr(record, "environment", None) or "", record.title)).casefold()
    return all(word in told for word in words)


def _planned_for(release: Record) -> tuple[str, str]:
    return release.extra.get("planned_for", "9999"), release.key


def _headline(coming: Sequence[Record], shipped: Sequence[Record]) -> Words:
    if coming:
        day = coming[0].extra.get("planned_for", "")
        return f"Next is {coming[0].title or coming[0].key}" + (f", planned for {day}." if day else ".")
    if shipped:
        where = getattr(shipped[0], "environment", None) or "an unnamed environment"
        return (f"The last deployment went to {where}, ", Moment(shipped[0].occurred_at), "; none is announced.")
    return "No release or deployment is known here."


def _release(record: Record, holds: Sequence[Record]) -> Words:
    state = f"{record.state}, {record.extra['planned_for']}" if "planned_for" in record.extra else record.state
    return (key_of(record), f" {shorten(record.title, 80)}: {state}; {_holds(holds)}")


def _change(record: Record) -> Words:
    when = record.occurred_at if isinstance(record, Change) else record.updated_at
    return (key_of(record), f" {shorten(record.title, 80)}: {record.state}, ", Moment(when))


def _deployment(record: Record, holds: Sequence[Record], broke: int) -> Words:
    where = getattr(record, "environment", None) or "an unnamed environment"
    after = f"; {counted(broke, 'incident')} laid to it" if broke else ""
    told = f" to {where}: {record.state.replace('_', ' ')}; {_holds(holds)}{after}"
    return (Moment(record.occurred_at), " ", key_of(record), told)


def _holds(holds: Sequence[Record]) -> str:
    if not holds:
        return "what it holds is not known"
    names = ", ".join(one.key for one in holds[:4])
    more = f" and {len(holds) - 4} more" if len(holds) > 4 else ""
    return f"brings {names}{more}"


def _service(deployments: Sequence[Deployment], words: Sequence[str]) -> str:
    """The service that the words name."""
    said = " ".join(words)
    known = sorted({name for one in deployments for name in one.services}, key=len, reverse=True)
    return next((name for name in known if said and (name.casefold() in said or said in name.casefold())), "")


def _caused(tx: Tx, deployments: Sequence[Deployment]) -> dict[Ref, list[Incident]]:
    """The incidents laid to each deployment, or to a change that is its other record."""
    twins = tx.progress.paired([one.ref for one in deployments])
    found = tx.progress.caused({*(one.ref for one in deployments), *(ref for refs in twins.values() for ref in refs)})
    records = tx.mirror.many({ref for refs in found.values() for ref in refs})
    caused: dict[Ref, list[Incident]] = defaultdict(list)
    for one in deployments:
        for ref in {incident: None for name in (one.ref, *twins.get(one.ref, ())) for incident in found.get(name, ())}:
            record = records.get(ref)
            if isinstance(record, Incident) and record.state != "cancelled":
                caused[one.ref].append(record)
    return caused


def _keys(measured: dora.Keys) -> Iterator[tuple[str, Words]]:
    yield "Deployments", f"{len(measured.deployments)} ({measured.a_week:.1f} a week)"
    lead = measured.lead_time
    known = len(measured.lead_times)
    yield (
        "Lead time",
        f"{_span(lead)}, the median of {counted(known, 'deployment')}"
        if lead
        else "not known: no deployment tells when its commits were made",
    )
    rate = measured.failure_rate or 0.0
    yield "Change failure rate", f"{rate:.0%} ({len(measured.failed)} of {len(measured.deployments)})"
    restore = measured.time_to_restore
    yield (
        "Time to restore",
        f"{_span(restore)}, the median of {counted(len(measured.restored), 'incident')}"
        if restore
        else "no such incident is over",
    )


def _failure(measured: dora.Keys, ref: Ref) -> Words:
    deployment = next(one for one in measured.deployments if one.ref == ref)
    incidents = measured.failed[ref]
    if not incidents:
        return (Moment(deployment.occurred_at), f" {shorten(deployment.title, 70)}: rolled back ", key_of(deployment))
    first = incidents[0]
    more = f" and {len(incidents) - 1} more" if len(incidents) > 1 else ""
    took = f", restored after {_span(measured.restored[first.ref])}" if first.ref in measured.restored else ", not over"
    return (Moment(deployment.occurred_at), " ", key_of(deployment), f": {shorten(first.title, 70)}{took}{more} ", key_of(first))  # fmt: skip


def _of_service(
    name: str, there: Sequence[Deployment], caused: Mapping[Ref, Sequence[Incident]], span: timedelta
) -> Words:
    one = dora.keys([each for each in there if name in each.services], caused, span)
    lead = f", lead time {_span(one.lead_time)}" if one.lead_time else ""
    restore = f", restored in {_span(one.time_to_restore)}" if one.time_to_restore else ""
    return (Said(f"{name}: ", strong=True), f"{counted(len(one.deployments), 'deployment')}{lead}, {one.failure_rate or 0:.0%} failed{restore}")  # fmt: skip


def _span(time: timedelta | None) -> str:
    return span_in_words(time.total_seconds()) if time is not None else "not known"


def next_releases(tx: Tx, most: int = 5) -> list[Release]:
    """The releases that are to come, the nearest first."""
    found = tx.between("release", tx.now() - _FOREVER, tx.now() + _AHEAD)
    return sorted((one for one in found if isinstance(one, Release) and not one.finished), key=_planned_for)[:most]
