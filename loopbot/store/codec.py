"""Records, effects, receipts and cycles as JSON text and back: typed by their own annotations, so a new field needs no code.

A field at its default is left out: a later version that adds one finds every stored digest still right. Unknown keys are
passed over, so an older version reads what a newer one wrote.
"""

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import orjson

from loopbot.domain.effects import EFFECT_TYPES, Effect
from loopbot.domain.mirroring import Agreed
from loopbot.domain.questions import Question
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import RECORD_TYPES, Record, Ref
from loopbot.ports import Cycle

T = TypeVar("T")
Decoder = Callable[[Any], Any]

# What a record's columns hold is not in its body: a body is content alone, and its digest tells whether that changed.
RECORD_COLUMNS = frozenset({"ref", "updated_at", "version"})
RECEIPT_APART = frozenset({"after", "overruled"})
EFFECTS_BY_VERB: Mapping[str, type[Effect]] = MappingProxyType({each.verb: each for each in EFFECT_TYPES})


def digest_of(content: bytes) -> str:
    """32 hex digits that differ when the content does."""
    return blake2b(content, digest_size=16).hexdigest()


def clean(text: str) -> str:
    """The text without what no database stores: NUL goes, half a surrogate pair becomes the replacement character."""
    if text.isascii():
        return text.replace("\0", "") if "\0" in text else text
    return text.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encode_record(record: Record) -> bytes:
    """The content of a record; the same content is always the same bytes."""
    return _dump(_shape(type(record), RECORD_COLUMNS).strip(record))


def decode_record(kind: str, ref: Ref, updated_at: datetime, version: int | None, body: str) -> Record:
    """The record with that content and those columns."""
    shape = _shape(RECORD_TYPES[kind], RECORD_COLUMNS)
    return cast("Record", shape.build(orjson.loads(body), ref=ref, updated_at=updated_at, version=version))


def encode_effect(effect: Effect) -> str:
    """An effect with its verb."""
    return _dump({"verb": effect.verb, **_shape(type(effect)).strip(effect)}).decode()


def decode_effect(body: str) -> Effect:
    """The effect, by its verb."""
    content = orjson.loads(body)
    return cast("Effect", _shape(EFFECTS_BY_VERB[content.pop("verb")]).build(content))


def encode_receipt(receipt: Receipt) -> str:
    """A receipt without what came with it and is kept elsewhere."""
    return _dump(_shape(Receipt, RECEIPT_APART).strip(receipt)).decode()


def decode_receipt(body: str) -> Receipt:
    """The receipt."""
    return cast("Receipt", _shape(Receipt, RECEIPT_APART).build(orjson.loads(body)))


def encode_agreed(agreed: Agreed) -> str:
    """What a pair agrees on in one field."""
    return _dump(_shape(Agreed).strip(agreed)).decode()


def decode_agreed(body: str) -> Agreed:
    """What a pair agrees on in one field."""
    return cast("Agreed", _shape(Agreed).build(orjson.loads(body)))


def encode_question(question: Question) -> str:
    """A question; the same question is always the same text."""
    return _dump(_shape(Question).strip(question)).decode()


def decode_question(body: str) -> Question:
    """The question."""
    return cast("Question", _shape(Question).build(orjson.loads(body)))


def encode_cycle(cycle: Cycle) -> str:
    """The statement of a cycle."""
    return _dump(_shape(Cycle).strip(cycle)).decode()


def decode_cycle(body: str) -> Cycle:
    """The statement of a cycle."""
    return cast("Cycle", _shape(Cycle).build(orjson.loads(body)))


@dataclass(frozen=True, slots=True)
class _Shape:
    """How one dataclass is taken apart and put together."""

    type: type[Any]
    names: tuple[str, ...]
    take: Callable[[Any], tuple[Any, ...]]
    defaults: tuple[Any, ...]
    known: frozenset[str]
    decoders: tuple[tuple[str, Decoder], ...]
    """Of those fields that JSON does not hold as they are."""

    def strip(self, value: object) -> dict[str, Any]:
        """The fields that are not at their default."""
        triples = zip(self.names, self.take(value), self.defaults, strict=True)
        return {name: each for name, each, default in triples if each is not default and each != default}

    def build(self, content: dict[str, Any], **columns: object) -> object:
        """The value again, of content that was read for it alone."""
        if not self.known.issuperset(content):
            content = {name: each for name, each in content.items() if name in self.known}
        for name, decode in self.decoders:
            if name in content:
                content[name] = decode(content[name])
        return self.type(**content, **columns)


def _shape(of: type[Any], without: frozenset[str] = frozenset()) -> _Shape:
    return _shapes(cast("Hashable", of), without)


@cache
def _shapes(of_: Hashable, without: frozenset[str]) -> _Shape:
    of = cast("type[Any]", of_)
    hints = get_type_hints(of)
    kept = [each for each in fields(of) if each.name not in without]
    names = tuple(each.name for each in kept)
    defaults = tuple(
        each.default_factory() if each.default_factory is not MISSING else each.default  # MISSING equals nothing
        for each in kept
    )
    decoders = ((name, _decoder(hints[name])) for name in names)
    needed = tuple((name, decode) for name, decode in decoders if decode is not _as_is)
    return _Shape(of, names, attrgetter(*names), defaults, frozenset(names), needed)


def _decoder(hint: Any) -> Decoder:  # one line a form of annotation
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal or hint in {str, int, bool}:
        return _as_is
    if hint in _READ:
        return _READ[hint]
    if origin in {Union, types.UnionType}:
        (other,) = (each for each in arguments if each is not type(None))
        return _optional(_decoder(other))
    if origin is frozenset:
        return frozenset
    if origin is tuple and arguments[1:] == (...,):
        return _each(_decoder(arguments[0]))
    if origin is tuple:
        return tuple
    if origin is Mapping:
        return MappingProxyType
    if is_dataclass(hint):
        return cast("Decoder", _shape(cast("type[Any]", hint)).build)
    message = f"no way to read {hint} from JSON"
    raise TypeError(message)


def _as_is(value: Any) -> Any:
    return value


def _optional(decode: Decoder) -> Decoder:
    if decode is _as_is:
        return _as_is
    return lambda value: None if value is None else decode(value)


def _span(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


_READ: Mapping[Any, Decoder] = MappingProxyType({float: float, datetime: datetime.fromisoformat, timedelta: _span})


def _each(decode: Decoder) -> Decoder:
    if decode is _as_is:
        return tuple
    return lambda values: tuple(map(decode, values))


def _dump(content: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(content, default=_plain, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # half a surrogate pair somewhere: rare, so looked for only now
        return orjson.dumps(_cleaned(content), option=orjson.OPT_SORT_KEYS)


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, Mapping):
        return dict(value)
    message = f"{type(value).__name__} has no JSON form"
    raise TypeError(message)


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(key): _cleaned(each) for key, each in value.items()}
    if isinstance(value, frozenset):
        return sorted(clean(each) for each in value)
    if isinstance(value, tuple):
        return [_cleaned(each) for each in value]
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _cleaned(getattr(value, each.name)) for each in fields(value)}
    return value
