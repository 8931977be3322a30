"""Messages to topics of Amazon SNS."""

from typing import Any

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.policy import Scope


class Topics:
    """Publishes with the credentials of the process."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish one message. Raises the AdapterError of what went wrong."""
        scope = Scope(topic_arn.split(":")[3])
        with translated("sns", "Publish", scope, topic_arn):
            client: Any = self._sessions.client(scope, "sns")
            client.publish(TopicArn=topic_arn, Subject=subject, Message=message)
