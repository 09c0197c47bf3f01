"""Jenkins' twin: the remote access API around jobs and their builds."""

from loopbot.sandbox.jenkins.twin import TOKEN, USER, JenkinsTwin

__all__ = ["TOKEN", "USER", "JenkinsTwin"]
