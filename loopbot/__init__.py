"""loopbot closes the loop between the people who use a service, those who run it and those who build it."""

__version__ = "0.1.0"
