"""What only DynamoDB has: pages, items that are too large, work left undone, an address."""

import random
from typing import Any

import pytest
from store_tables import Account
from store_values import OCR, THUMBS, an_observation

from controller.model.errors import StoreError
from controller.store.dynamodb import connect
from controller.store.dynamodb.connect import Table, parse_table
from controller.store.dynamodb.items import MOST_BYTES, ordered


def test_all_pages_of_a_query_are_read(dynamodb: Account) -> None:
    store = dynamodb.store()
    era = "era-" + "".join(random.Random(1).choices("0123456789abcdef", k=9000))
    rows = [an_observation(300.0 * at, era=era) for at in range(150)]
    store.put_observations(OCR, rows)  # over a megabyte, which is a page
    assert list(store.observations(OCR, -1.0)) == rows


def test_a_document_larger_than_an_item_is_kept_in_pieces(dynamodb: Account) -> None:
    store = dynamodb.store()
    large = {"noise": random.Random(2).randbytes(MOST_BYTES).hex()}
    store.put_assessment(OCR, 1.0, large)
    store.put_assessment(THUMBS, 1.0, {"small": True})
    assert store.assessment(OCR) == large
    assert dict(store.assessments()) == {OCR: large, THUMBS: {"small": True}}
    store.forget_endpoint(OCR)
    assert store.assessment(OCR) is None


def test_pieces_that_do_not_belong_together_are_no_document(dynamodb: Account) -> None:
    store = dynamodb.store()
    large = {"noise": random.Random(2).randbytes(MOST_BYTES).hex()}
    store.put_assessment(OCR, 1.0, large)
    store.put_assessment(THUMBS, 1.0, {"small": True})
    name, second = store._rows.table.name, f"assessment#{1:012d}"
    whose = {"pk": {"S": f"said#{OCR}"}, "sk": {"S": second}}
    theirs = dynamodb.client.get_item(TableName=name, Key=whose)["Item"]
    for other in ({**theirs, "at_s": {"N": "2.0"}}, None):
        if other is None:
            dynamodb.client.delete_item(TableName=name, Key=whose)
        else:
            dynamodb.client.put_item(TableName=name, Item=other)
        assert store.assessment(OCR) is None, "half of it is being written"
        assert dict(store.assessments()) == {THUMBS: {"small": True}}


def test_what_was_left_undone_is_done_again(
    dynamodb: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = dynamodb.store()
    real, calls = dynamodb.client.batch_write_item, []

    def half(RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
        ((name, wanted),) = RequestItems.items()
        calls.append(len(wanted))
        done = wanted[: max(1, len(wanted) // 2)]
        real(RequestItems={name: done})
        rest = wanted[len(done) :]
        return {"UnprocessedItems": {name: rest} if rest else {}}

    monkeypatch.setattr(dynamodb.client, "batch_write_item", half)
    rows = [an_observation(300.0 * at) for at in range(5)]
    store.put_observations(OCR, rows)
    assert len(calls) > 2
    assert list(store.observations(OCR, -1.0)) == rows


def test_commands_leave_the_work_to_whoever_leads(dynamodb: Account) -> None:
    assert dynamodb.store().daemon_running(), "no lock keeps a controller from starting"


def test_numbers_sort_as_keys() -> None:
    numbers = [float("-inf"), -1e9, -1.5, 0.0, 1e-9, 1.0, 1_772_020_800.25, 1e18, float("inf")]
    assert sorted(map(ordered, numbers)) == [ordered(number) for number in numbers]
    assert ordered(-0.0) == ordered(0.0)


def test_a_table_that_is_not_there_or_not_ours_is_refused(dynamodb: Account) -> None:
    with pytest.raises(StoreError, match="does not exist: make it with `rightsizer store init`"):
        connect.check(dynamodb.client, Table("nowhere", "eu-west-1"))
    dynamodb.client.create_table(
        TableName="theirs",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    with pytest.raises(StoreError, match="another program's"):
        connect.check(dynamodb.client, Table("theirs", "eu-west-1"))


def test_making_a_table_twice_is_making_it_once(dynamodb: Account) -> None:
    table = Table("made", "eu-west-1")
    assert connect.create(dynamodb.client, table) is True
    assert connect.create(dynamodb.client, table) is False
    connect.check(dynamodb.client, table)
    living = dynamodb.client.describe_time_to_live(TableName="made")["TimeToLiveDescription"]
    assert (living["TimeToLiveStatus"], living["AttributeName"]) == ("ENABLED", "expires")


def test_addresses() -> None:
    assert parse_table("dynamodb://t") == Table("t")
    assert parse_table("dynamodb://t?region=eu-west-1&endpoint=http://x:1") == Table(
        "t", "eu-west-1", "http://x:1"
    )
    for wrong in ("dynamodb://", "s3://t", "dynamodb://t/x", "dynamodb://t?tail=1"):
        with pytest.raises(ValueError, match="is not dynamodb://TABLE"):
            parse_table(wrong)
