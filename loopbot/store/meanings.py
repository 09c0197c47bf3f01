"""What texts mean, remembered under the encoder's version and the text's digest: a backlog item is not read anew for every ticket."""

import struct
from collections.abc import Callable, Sequence

from sqlalchemy import delete, func, select

from loopbot.domain.wordings import Vector
from loopbot.store import schema
from loopbot.store.codec import digest_of
from loopbot.store.work import Work

MOST = 50_000
"""So many are remembered, the latest: some 40 MB."""
M = schema.meaning.c


def recalled(
    work: Work,
    texts: Sequence[str],
    encoder: str,
    make: Callable[[Sequence[str]], Sequence[Vector]],
    most: int = MOST,
) -> list[Vector]:
    """A vector for each text, those that are not remembered made, all of them at once; where one only looks nothing is kept.

    Numbers are those of 16 bits whether remembered or not, so that looking and doing see the same.
    """
    digests = [digest_of(text.encode("utf-8", "surrogatepass")) for text in texts]
    query = select(M.digest, M.vector).where(M.encoder == encoder, work.among(M.digest, dict.fromkeys(digests)))
    known = {row.digest: bytes(row.vector) for row in work.connection.execute(query)}
    missing = {digest: text for digest, text in zip(digests, texts, strict=True) if digest not in known}
    if missing:
        made = dict(zip(missing, map(_packed, make(list(missing.values()))), strict=True))
        known |= made
        if not work.looking:
            _keep(work, encoder, made, most)
    return [_unpacked(known[digest]) for digest in digests]


def _keep(work: Work, encoder: str, made: dict[str, bytes], most: int) -> None:
    # Ordered, so that no two transactions wait for each other.
    rows = [{"encoder": encoder, "digest": digest, "vector": made[digest]} for digest in sorted(made)]
    statement = work.insert(schema.meaning).on_conflict_do_nothing(index_elements=[M.encoder, M.digest])
    work.connection.execute(statement, rows)
    last = work.connection.scalar(select(func.max(M.number))) or 0
    if last > most:
        work.connection.execute(delete(schema.meaning).where(M.number <= last - most))


def _packed(vector: Vector) -> bytes:
    return struct.pack(f"<{len(vector)}e", *vector)


def _unpacked(stored: bytes) -> Vector:
    return struct.unpack(f"<{len(stored) // 2}e", stored)
