"""Tables of what the nodes of a fleet share of calls to a system."""

from sqlalchemy import Column, Index, Integer, Table

from loopbot.store.schema.columns import KEY, NUMBER, Moment, Words, metadata

call_slice = Table(
    "call_slice",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("system", KEY, nullable=False),
    Column("holder", Words, nullable=False),
    Column("calls", Integer, nullable=False),  # held of the budget: as many as were made, once it is over
    Column("used", Integer, nullable=False),
    Column("until", Moment, nullable=False),  # an hour after the last call that may be made of it
    Index("call_slice_system", "system", "until"),
    sqlite_autoincrement=True,
)

call_closure = Table(
    "call_closure",
    metadata,
    Column("system", KEY, primary_key=True),
    Column("endpoint", KEY, primary_key=True),
    Column("until", Moment, nullable=False),
)
