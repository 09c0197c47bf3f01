"""The webhooks of a Jenkins twin: a step at the end of a build."""

import orjson

from loopbot.sandbox.courier import Letter
from loopbot.sandbox.jenkins.twin import JenkinsTwin


def jenkins_letter(twin: JenkinsTwin, job: str, number: int, secret: str) -> Letter:
    """What a build sends with curl before it ends."""
    sent_at = int(twin.world.now().timestamp()) * 1000
    body = orjson.dumps({"job": job, "build": number, "sent_at": sent_at})
    return Letter({"X-Loopbot-Secret": secret, "User-Agent": "curl/8.5.0"}, body)
