"""Several replicas: the options of `run` about the lease and the shard, and what they make."""

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from controller.cli.options import EnvOption
from controller.settings import DEFAULT_LEASE_NAME, ENV_PREFIX, Settings

if TYPE_CHECKING:
    from controller.core.shards import Shard
    from controller.runtime.leadership import Elected
    from controller.runtime.lease_records import LeaseRecords
    from controller.store.opened import Journal

F = TypeVar("F", bound=Callable[..., Any])

NONE, FILE, DYNAMODB, KUBERNETES = "none", "file", "dynamodb", "kubernetes"


def replica_options(command: F) -> F:
    """`--lease`, `--lease-name`, `--lease-table`, `--lease-namespace` and `--shard`."""
    for option in reversed(
        (
            _option(
                "lease",
                "How replicas agree on who acts: by nothing, for there is one; by a lock beside"
                " the journal's file; by an item in DynamoDB; or by a Kubernetes Lease. By"
                " default dynamodb where the journal is there, else none.",
                type=click.Choice((NONE, FILE, DYNAMODB, KUBERNETES)),
            ),
            _option(
                "lease-name",
                "What the lease is called; with shards, their ordinals are added.",
                metavar="NAME",
                default=DEFAULT_LEASE_NAME,
                show_default=True,
            ),
            _option(
                "lease-table",
                "Table of the lease, as dynamodb://TABLE?region=REGION; by default the journal's.",
                metavar="URL",
            ),
            _option(
                "lease-namespace",
                "Namespace of the Kubernetes Lease; by default the pod's own.",
                metavar="NAMESPACE",
            ),
            _option(
                "shard",
                "Keep only this part of the endpoints: ORDINAL/COUNT, from 0, such as 0/3; or"
                " auto/3, by the number at the end of the host's name. By default all.",
                metavar="I/N",
            ),
        )
    ):
        command = option(command)
    return command


def _option(name: str, words: str, **attributes: Any) -> Callable[[F], F]:
    variable = ENV_PREFIX + name.upper().replace("-", "_")
    attributes.setdefault("default", None)
    return click.option(
        f"--{name}", cls=EnvOption, envvar=variable, show_envvar=True, help=words, **attributes
    )


def lease_kind(settings: Settings) -> str:
    """What `--lease` is, or what it is by default. Raises UsageError for what cannot work."""
    kind = settings.lease or (NONE if settings.table is None else DYNAMODB)
    if kind == FILE and settings.table is not None:
        raise click.UsageError("--lease file needs a journal in a file, not in DynamoDB.")
    if kind in {DYNAMODB, KUBERNETES} and settings.table is None:
        raise click.UsageError(
            f"--lease {kind} needs a journal that all replicas share: name a table with"
            " --store dynamodb://TABLE. On one host there is --lease file."
        )
    return kind


def shard_of(settings: Settings) -> "Shard":
    """Raises UsageError."""
    from controller.core.shards import Shard, parse_shard

    if settings.shard is None:
        return Shard()
    if lease_kind(settings) not in {DYNAMODB, KUBERNETES}:
        raise click.UsageError(
            "--shard needs a journal and leases that all shards share: --store dynamodb://TABLE."
        )
    try:
        return parse_shard(settings.shard, socket.gethostname())
    except ValueError as error:
        raise click.UsageError(f"--shard: {error}.") from error


def elected(settings: Settings, store: "Journal", shard: "Shard") -> "Elected | None":
    """The lease that the settings ask for; None: this process alone has the journal.

    Raises UsageError where shards share the journal, and this process would ask none of them.
    """
    kind, ordinal = lease_kind(settings), shard.ordinal
    if kind == NONE:
        if settings.table is not None:
            _refuse_shards(store)
        return None
    from controller.clock import SleeplessClock
    from controller.model.lease import LeaseTimes
    from controller.runtime.election import Election, Terms
    from controller.runtime.layout import Layout
    from controller.runtime.lock_election import LockElection

    if kind == FILE:
        alone = Terms(store.newest_term, store.raise_term)
        return LockElection(store.acquire_daemon_lock, alone)
    steady_s, times = SleeplessClock().monotonic_s, LeaseTimes()

    def records(number: int) -> "LeaseRecords":
        return _records(settings, kind, lease_name(settings, number))

    layout = Layout(store, shard, records=records, times=times, steady_s=steady_s)

    def newest() -> int:
        layout.before_taking()
        return store.newest_term(ordinal)

    def lift(term: int) -> None:
        store.raise_term(term, ordinal)
        layout.before_leading()

    return Election(
        records(ordinal), me=me(), times=times, steady_s=steady_s, terms=Terms(newest, lift)
    )


def _refuse_shards(store: "Journal") -> None:
    """Their leases have terms of their own, by which a process without one shuts out only one."""
    from controller.runtime.layout import laid_out

    count = laid_out(store).count
    if count > 1:
        raise click.UsageError(
            f"the journal is shared out to {count} shards, each with a lease of its own: run with"
            f" --lease dynamodb or kubernetes, and --shard I/{count}."
        )


def lease_name(settings: Settings, ordinal: int) -> str:
    """One lease for each shard; the first one's, or the only one's, has no number."""
    return settings.lease_name if ordinal == 0 else f"{settings.lease_name}-{ordinal}"


def me() -> str:
    """A name that no other process has or had; people find the host and the process by it."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}-{os.urandom(4).hex()}"


def _records(settings: Settings, kind: str, name: str) -> "LeaseRecords":
    if kind == KUBERNETES:
        from controller.clock import SystemClock
        from controller.store.kubernetes_lease import Cluster, KubernetesLease

        cluster = Cluster(namespace=settings.lease_namespace)
        return KubernetesLease(cluster, name, SystemClock().now_s)
    from controller.cli.journal import table_of
    from controller.store.dynamodb.lease import DynamoLease

    address = settings.lease_table or settings.table
    assert address is not None, "checked by lease_kind"
    return DynamoLease(table_of(address), name)
