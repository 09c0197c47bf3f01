"""The strongest signs and words of a judgement about a topic, as a person would say them."""

from collections.abc import Mapping

from loopbot.judgement.topic_cues import cues
from loopbot.judgement.topic_model import Block, stem
from loopbot.judgement.topic_signs import prose_cues, title_cues
from loopbot.judgement.topic_text import TOKEN, Parted, tokens

MOST = 3
LEAST = 0.08
"""What adds less than this says nothing a person would call a reason."""
_SAYS: Mapping[str, str] = {
    "stack trace": "it holds a stack trace",
    "error lines": "it quotes error messages",
    "error in code": "it quotes an error message",
    "code": "it holds code",
    "code blocks": "it holds code",
    "images": "it shows a picture",
    "an image": "it shows a picture",
    "versions": "it names versions",
    "addresses": "it holds memory addresses",
    "log times": "it quotes a log",
    "numbered": "it lists steps",
    "prompt": "it shows commands and their output",
    "question marks": "it asks",
    "a question mark": "it asks",
    "title asks": "its title is a question",
    "ends asking": "it ends with a question",
    "share asking": "most of it are questions",
    "opens asking": "it opens with a question",
    "titled bug": "its title calls it a bug",
    "titled feature": "its title calls it a wish",
    "titled question": "its title calls it a question",
    "exclamations": "exclamation marks",
    "shouting": "capital letters",
    "title shouts": "its title is in capital letters",
}


def reasons(said: Parted, parts: Mapping[str, float]) -> list[str]:
    """The strongest parts in words, the strongest first; `parts` is how much each feature speaks for the topic."""
    groups = _quotes(said)
    words = _as_written(said) if any(name.startswith((Block.WORD, Block.TITLE)) for name in parts) else {}
    strengths: dict[str, float] = {}
    for name, value in parts.items():
        reason = _worded(name, groups, words)
        if reason:
            strengths[reason] = strengths.get(reason, 0.0) + value
    ranked = sorted(strengths.items(), key=lambda each: (-each[1], each[0]))
    return [reason for reason, value in ranked if value >= LEAST][:MOST]


def _quotes(said: Parted) -> dict[str, str]:
    """For each group of cues the first words that are of it, those of the title first."""
    found: dict[str, str] = {}
    for one in [*title_cues(said), *prose_cues(said, tokens(said.prose))]:
        found.setdefault(one.group, one.words)
    return found


def _as_written(said: Parted) -> dict[str, str]:
    """The words that a model of words reads, each as the text writes it."""
    return {stem(word.lower()): word for word in TOKEN.findall(f"{said.title} {said.prose}"[:5000])}


def _worded(name: str, groups: Mapping[str, str], words: Mapping[str, str]) -> str:
    """A feature in words; "" for one that tells a person nothing."""
    if name.startswith(Block.SIGN):
        sign = name.removeprefix(Block.SIGN)
        group = sign.partition(":")[2]
        if group in groups:
            return f'"{groups[group]}" ({cues().says[group]})'
        return _SAYS.get(sign, "")
    if name.startswith(Block.FORM):
        return ""
    if name.startswith(Block.MEANING):
        return "it means the like of others that people labelled so"
    wanted = name[2:].lstrip("^ ").split()
    shown = [words.get(each, "") for each in wanted]
    return f'"{" ".join(shown)}"' if shown and all(shown) and any(len(each) > 2 for each in shown) else ""
