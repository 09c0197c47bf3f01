"""How well feedback is told apart: issues of five repositories, and app reviews.

Files: `nlbse24_issues.csv.gz` (repo, label, title, body), and, where they are, `feedback_scalabrino_rq1.csv.gz` (review,
category) and `feedback_marc.csv.gz` (text, label). With a history the models learn from the history's rows alone; without
one, each repository is cross-validated in five parts. What ships has seen these files, so it is not what is measured: the
same training is, on what it may have seen.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from loopbot.domain.records import FOR_THE_BACKLOG, Feedback, Ref
from loopbot.domain.words import TOPICS
from loopbot.judgement.calibration import calibration_error, fit_temperature
from loopbot.judgement.evaluation.figures import Figure, NotMeasuredError, Progress, both, calibration, spent
from loopbot.judgement.evaluation.files import rows_in
from loopbot.judgement.evaluation.open_files import are_open
from loopbot.judgement.topic import Stack, TopicJudge
from loopbot.judgement.topic_learning import Example, Recipe
from loopbot.judgement.topic_meaning import meant
from loopbot.judgement.topic_model import Linear, read
from loopbot.judgement.topic_shipped import shipped
from loopbot.judgement.topic_training import (
    Label,
    Outcome,
    Training,
    by_project,
    crossed,
    macro_f1,
    outcomes,
    split,
)
from loopbot.ports.encoding import Encoder

ISSUES = "nlbse24_issues.csv.gz"
_NEEDED = ("repo", "label", "title")
SIGNS_ALONE = Recipe(looseness=0.2, epochs=12, words=False)
_REVIEWS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "feedback_scalabrino_rq1.csv.gz": ("review", "category", {"BUG": "bug", "FEATURE": "feature", "OTHER": "praise"}),
    "feedback_marc.csv.gz": ("text", "label", {"BugReport": "bug", "FeatureRequest": "feature", "Other": "praise"}),
}
_SIMPLE = {"scalabrino": 0.857, "marc": 0.773, "scalabrino_to_marc": 0.540, "marc_to_scalabrino": 0.670}


def measure(data: Path, history: Path | None, progress: Progress, encoder: Encoder | None = None) -> tuple[Figure, ...]:
    """Every figure of feedback types; raises NotMeasuredError without the issues.

    With the encoder everything is measured twice; the plain names hold what judges where it is installed.
    """
    tested = issues(data)
    reviewed = tuple(_reviewed(data, progress))
    if not tested and not reviewed:
        raise NotMeasuredError(f"{data} has no {ISSUES} with columns {', '.join(_NEEDED)}, or no labelled row in it")
    return (*(_of_issues(tested, issues(history) if history else [], progress, encoder) if tested else ()), *reviewed)


def _of_issues(
    tested: Sequence[Label], earlier: Sequence[Label], progress: Progress, encoder: Encoder | None
) -> tuple[Figure, ...]:
    home, away, signs = _rounds(tested, earlier, progress, alone=True)
    lean = list(_figures(home, away))
    figures = lean
    if encoder is not None:
        progress("feedback: reading what each text means")
        home, away, _ = _rounds(with_vectors(tested, encoder), with_vectors(earlier, encoder), progress)
        figures = [*both(lean, list(_figures(home, away)))]
    if signs:
        figures = [*figures, _signs_alone(signs)]
    # Simple methods were tried on the open files, each repository in five parts.
    if earlier or not are_open("nlbse24", (one.example.text.said.title for one in tested)):
        figures = [replace(one, baseline=None) for one in figures]
    return (*figures, _time(tested, home, encoder))


Rounds = tuple[list[list[Outcome]], list[list[Outcome]], list[list[Outcome]]]
"""For each repository: what those that learnt from it say of it, those that did not, and signs alone."""


def _rounds(tested: Sequence[Label], earlier: Sequence[Label], progress: Progress, *, alone: bool = False) -> Rounds:
    home, away, signs = [], [], []
    flat = _flat([*tested, *earlier])
    training, signs_only = Training(flat), Training(flat, own=SIGNS_ALONE, shared=SIGNS_ALONE)
    for name, rows in sorted(by_project(tested).items()):
        progress(f"feedback: {name}")
        others = [one for one in earlier or tested if one.project != name]
        own = [one for one in earlier if one.project == name]
        shared = _learnt_elsewhere(others, training)
        if others:
            away.append(list(_unseen(others, rows, training, shared)))
        if others and alone:
            signs.append(list(outcomes(_learnt_elsewhere(others, signs_only), rows)))
        if own or not earlier:
            home.append(list(_at_home(own, rows, training, shared)))
    return home, away, signs


def with_vectors(labels: Sequence[Label], encoder: Encoder) -> list[Label]:
    """The labels with what each text means."""
    texts = meant([one.example.text for one in labels], encoder)
    return [replace(one, example=replace(one.example, text=text)) for one, text in zip(labels, texts, strict=True)]


def _at_home(own: Sequence[Label], rows: Sequence[Label], training: Training, shared: Stack) -> Iterator[Outcome]:
    """Learnt from the repository's own labels (the history's, or the other four parts), and from other repositories' as well."""
    if own:
        yield from outcomes(_with_own(shared, own, training), rows)
        return
    for kept, left in split(rows, 5):
        yield from outcomes(_with_own(shared, kept, training), left)


def _with_own(shared: Stack, own: Sequence[Label], training: Training) -> Stack:
    """The stack with a model of the project's own labels on top; how sure it sounds is fitted on a third of them."""
    name = own[0].project

    def built(labels: Sequence[Label]) -> Stack:
        projects = training.joined((), {name: labels}, "trial").projects
        return Stack(shared.base, shared.base_temperature, shared.learnt, projects)

    kept, left = split(own, 3)[0]
    trial = built(kept)
    held = [(trial.scores(one.example.text, name), one.topic) for one in left]
    temperature = fit_temperature([[*s.values()] for s, _ in held], [list(s).index(truth) for s, truth in held])
    whole = built(own)
    return Stack(whole.base, whole.base_temperature, whole.learnt, whole.projects, temperature)


def _learnt_elsewhere(others: Sequence[Label], training: Training) -> Stack:
    """Learnt from these; from nothing, where they are of one topic alone and tell nothing apart."""
    several = len({one.topic for one in others}) > 1
    return training.joined(others if several else (), {}, "trial")


def _unseen(others: Sequence[Label], rows: Sequence[Label], training: Training, stack: Stack) -> Iterator[Outcome]:
    """Learnt from other repositories; how sure it sounds is fitted on one of them that was left out."""
    names = sorted(by_project(others))
    if len(names) > 1:
        aside = [one for one in others if one.project == names[len(rows) % len(names)]]
        trial = _learnt_elsewhere([one for one in others if one.project != aside[0].project], training)
        held = [(trial.scores(one.example.text), one.topic) for one in aside]
        temperature = fit_temperature([[*s.values()] for s, _ in held], [list(s).index(truth) for s, truth in held])
        stack = Stack(stack.base, stack.base_temperature, stack.learnt, temperature=temperature)
    yield from outcomes(stack, rows)


def _figures(home: Sequence[Sequence[Outcome]], away: Sequence[Sequence[Outcome]]) -> Iterator[Figure]:
    if home:
        yield Figure(
            name="feedback.macro_f1_per_repository",
            what="macro F1, labels of the same repository",
            value=_mean([macro_f1(each) for each in home]),
            baseline=0.748,
            goal=0.785,
            aim=0.83,
            note=", ".join(f"{each[0].project.rpartition('/')[2]} {macro_f1(each):.2f}" for each in home if each),
        )
    if away:
        yield Figure(
            name="feedback.macro_f1_unseen_repository",
            what="macro F1, labels of other repositories only",
            value=_mean([macro_f1(each) for each in away]),
            baseline=0.599,
            goal=0.66,
            aim=0.70,
            note=", ".join(f"{each[0].project.rpartition('/')[2]} {macro_f1(each):.2f}" for each in away if each),
        )
    groups = [group for group in (home, away) if group]
    for name, what, error in (
        ("calibration_error", "calibration error, the worse of both", kind_error),
        (
            "backlog_calibration_error",
            "calibration error of its being for the backlog, the worse of both",
            backlog_error,
        ),
    ):
        errors = [error([one for each in group for one in each]) for group in groups]
        if errors:
            yield calibration(f"feedback.{name}", what, max(errors), ", ".join(f"{each:.3f}" for each in errors))


def _signs_alone(signs: Sequence[Sequence[Outcome]]) -> Figure:
    return Figure(
        name="feedback.macro_f1_signs_unseen_repository",
        what="the same with hand-written signs alone, as they ship",
        value=_mean([macro_f1(each) for each in signs]),
        baseline=0.604,
    )


def kind_error(found: Sequence[Outcome]) -> float:
    """How far the probabilities of the likeliest kinds are from how often they are right."""
    return calibration_error([one.shares[one.said] for one in found], [one.said == one.truth for one in found])


def backlog_error(found: Sequence[Outcome]) -> float:
    """The same of how probable it is that something is a bug or a wish: on that the backlog's rules act."""
    told = [for_backlog(one) for one in found]
    return calibration_error([probability for probability, _ in told], [belongs for _, belongs in told])


def for_backlog(one: Outcome) -> tuple[float, bool]:
    """How probable it is said to be that something is for the backlog, and whether it is."""
    return sum(share for topic, share in one.shares.items() if topic in FOR_THE_BACKLOG), one.truth in FOR_THE_BACKLOG


def _time(tested: Sequence[Label], home: Sequence[object], encoder: Encoder | None) -> Figure:
    """How long one takes in the daemon: with what ships, with a learnt model on top, and with the encoder where there is one."""
    model, temperature = shipped()
    sample = tested[:: max(len(tested) // 150, 1)]
    learnt = with_vectors(sample, encoder) if encoder else sample
    stack = _learnt_elsewhere(learnt, Training(model, temperature)) if home else Stack(model, temperature)
    judge = TopicJudge(replace(stack, encoder=encoder.version) if encoder else stack, encoder=encoder)
    now = time.process_time()
    for one in sample:
        judge.guess(_feedback(one))
    took = (time.process_time() - now) * 1000 / len(sample)
    return spent("feedback.milliseconds_per_ticket", "one piece of feedback", took)


def _feedback(one: Label) -> Feedback:
    from datetime import UTC, datetime

    said = one.example.text.said
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    return Feedback(
        ref=Ref("x", "feedback", "1"), ident="1", title=said.title, text=said.text, state="new", updated_at=moment
    )


def _reviewed(data: Path, progress: Progress) -> Iterator[Figure]:
    """App reviews of two sets: within each, and from one to the other. What is neither bug nor wish stands as praise."""
    sets = {}
    for file, (text, label, topics) in _REVIEWS.items():
        found = [
            Label(Example(read("", row[text]), topics[row[label]]))
            for row in rows_in(data, file, (text, label))
            if row[label] in topics
        ]
        if found:
            sets[file.removeprefix("feedback_").partition(".")[0].partition("_")[0]] = found
    training = Training(_flat([one for each in sets.values() for one in each]), own=Recipe(looseness=0.7, epochs=12))
    known = {name: are_open(name, (one.example.text.said.text for one in held)) for name, held in sets.items()}
    for name, labels in sets.items():
        progress(f"feedback: {name}")
        yield Figure(
            name=f"feedback.macro_f1_{name}",
            what=f"macro F1, app reviews ({name}), five parts",
            value=macro_f1(list(crossed(training, labels))),
            baseline=_SIMPLE.get(name) if known[name] else None,
        )
        for other, tested in sets.items():
            if other != name:
                pair = f"{name}_to_{other}"
                yield Figure(
                    name=f"feedback.macro_f1_{pair}",
                    what=f"macro F1, learnt on {name}, tested on {other}",
                    value=macro_f1(list(outcomes(_learnt_elsewhere(labels, training), tested))),
                    baseline=_SIMPLE.get(pair) if known[name] and known[other] else None,
                )


def issues(folder: Path) -> list[Label]:
    """The labelled issues of a folder; none where there is no such file."""
    return [
        Label(Example(read(row["title"], row.get("body") or ""), row["label"]), row["repo"])
        for row in rows_in(folder, ISSUES, _NEEDED)
        if row["label"] in TOPICS
    ]


def _flat(labels: Sequence[Label]) -> Linear:
    """Nothing learnt: every topic that occurs is as likely as any other."""
    topics = tuple(sorted({one.topic for one in labels}))
    return Linear(topics, (0.0,) * len(topics), {})


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
