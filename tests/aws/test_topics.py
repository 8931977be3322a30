"""Messages to SNS, over its real protocol."""

import pytest
from stub_aws import Answer, StillClock, StubAws, xml_refusal

from controller.aws.topics import Topics
from controller.model.errors import AccessDenied, Retryable

TOPIC = "arn:aws:sns:eu-west-1:123456789012:vision"
PUBLISHED = Answer(
    "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
)


def test_a_message_arrives_with_its_subject(stub: StubAws) -> None:
    stub.on("Publish", PUBLISHED)
    Topics(stub.sessions(StillClock())).publish(TOPIC, "Rightsizer: SloBreached", "two\nlines")
    (asked,) = stub.of("Publish")
    assert asked.body["TopicArn"] == TOPIC
    assert asked.body["Subject"] == "Rightsizer: SloBreached"
    assert asked.body["Message"] == "two\nlines"
    assert "eu-west-1/sns" in asked.headers["Authorization"]


def test_a_refusal_names_the_missing_action(stub: StubAws) -> None:
    stub.on("Publish", xml_refusal("AuthorizationError", "no"))
    with pytest.raises(AccessDenied, match="sns:Publish"):
        Topics(stub.sessions(StillClock())).publish(TOPIC, "s", "m")


def test_trouble_at_aws_may_pass(stub: StubAws) -> None:
    stub.on("Publish", xml_refusal("InternalError", "sorry", 500))
    with pytest.raises(Retryable):
        Topics(stub.sessions(StillClock())).publish(TOPIC, "s", "m")
