"""Objects in S3, read whole: payloads of probes."""

from typing import Any

from controller.aws.errors import translated
from controller.aws.sessions import Sessions
from controller.model.errors import Terminal
from controller.model.policy import Scope


class S3Objects:
    """Reads objects as the role of a scope."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def get(self, scope: Scope, bucket: str, key: str, most_bytes: int) -> bytes:
        """An object's content. Raises Terminal where it is larger than `most_bytes`, and the
        adapters' errors where it cannot be read."""
        name = f"s3://{bucket}/{key}"
        client: Any = self._sessions.client(scope, "s3")
        with translated("s3", "GetObject", scope, name):
            answer = client.get_object(Bucket=bucket, Key=key)
            with answer["Body"] as body:
                size = int(answer["ContentLength"])
                content: bytes = b"" if size > most_bytes else body.read()
        if size > most_bytes:
            raise Terminal(f"{name} is larger than {most_bytes >> 20} MB.", operation="GetObject")
        return content
