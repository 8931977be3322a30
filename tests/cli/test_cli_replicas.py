"""What `run` makes of its options about replicas and shards, and commands on a table."""

from pathlib import Path

import click
import pytest
from cli_shell import Shell
from moto import mock_aws

from controller.cli.exits import ExitCode
from controller.cli.replicas import elected, lease_kind, lease_name, me, shard_of
from controller.core.shards import WHOLE, Shard
from controller.runtime.layout import LAYOUT
from controller.settings import Settings
from controller.store.sqlite import SqliteStore

TABLE = "dynamodb://journal?region=eu-west-1"


def settings(**values: object) -> Settings:
    return Settings(store=Path("journal.db"), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"lease": "dynamodb"}, "needs a journal that all replicas share"),
        ({"lease": "kubernetes"}, "needs a journal that all replicas share"),
        ({"table": TABLE, "lease": "file"}, "needs a journal in a file"),
        ({"shard": "0/3"}, "needs a journal and leases that all shards share"),
        ({"table": TABLE, "lease": "none", "shard": "0/3"}, "leases that all shards share"),
        ({"table": TABLE, "shard": "3/3"}, "of 3 shards the last is 2/3"),
        ({"table": TABLE, "shard": "three"}, "is not ORDINAL/COUNT"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, object], sentence: str) -> None:
    with pytest.raises(click.UsageError, match=sentence):
        _both(settings(**values))


def _both(given: Settings) -> tuple[Shard, str]:
    return shard_of(given), lease_kind(given)


def test_the_lease_is_where_the_journal_is() -> None:
    assert lease_kind(settings()) == "none"
    assert lease_kind(settings(table=TABLE)) == "dynamodb"
    assert lease_kind(settings(table=TABLE, lease="kubernetes")) == "kubernetes"
    assert shard_of(settings()) == WHOLE
    assert shard_of(settings(table=TABLE, shard="1/3")) == Shard(1, 3)


def test_who_needs_no_lease_keeps_out_of_a_journal_that_shards_share() -> None:
    alone, store = settings(table=TABLE, lease="none"), SqliteStore.open(":memory:")
    assert elected(alone, store, WHOLE) is None
    store.put_checkpoint(LAYOUT, '{"count": 3, "wanted": null}')
    with pytest.raises(click.UsageError, match="shared out to 3 shards"):
        elected(alone, store, WHOLE)
    store.close()


def test_each_shard_has_a_lease_of_its_own_and_each_process_a_name() -> None:
    assert [lease_name(settings(), n) for n in range(2)] == ["rightsizer", "rightsizer-1"]
    assert me() != me()


def test_a_table_is_made_looked_at_and_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    shell = Shell(tmp_path / "unused.db", variables={"RIGHTSIZER_STORE": TABLE})
    with mock_aws():
        missing = shell("get", "changes")
        assert missing.code == ExitCode.ERROR
        assert "make it with `rightsizer store init`" in missing.err
        assert "was made" in shell("store", "init").out
        assert "was there already" in shell("store", "init").out
        assert shell("get", "changes").code == ExitCode.OK
        key = "lambda_function/123456789012/eu-west-1/ocr:live"
        assert shell("pause", "--all", "--reason", "release").code == ExitCode.OK
        assert "release" in shell("get", "pauses").out
        exported = shell("export").out
        assert '"type":"pause"' in exported
        assert key not in exported
    assert not (tmp_path / "unused.db").exists()


def test_a_table_with_a_wrong_address_is_wrong_usage(tmp_path: Path) -> None:
    result = Shell(tmp_path / "x", variables={"RIGHTSIZER_STORE": "dynamodb://"})("get", "changes")
    assert result.code == ExitCode.USAGE
    assert "is not dynamodb://TABLE" in result.err
