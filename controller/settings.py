"""Process settings: the one place that reads the environment.

Every setting has a flag of the same name; a flag wins over the variable, the variable over
the default.
"""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ENV_PREFIX = "RIGHTSIZER_"
DEFAULT_LISTEN = "127.0.0.1:9797"
DEFAULT_WORKERS = 4
DEFAULT_LEASE_NAME = "rightsizer"
DEFAULT_JOURNAL_DAYS = 400
"""A year and a month: the same season can be compared."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a process runs; policies say what it does."""

    store: Path
    """The journal's file (`--store`, RIGHTSIZER_STORE)."""
    table: str | None = None
    """The journal's table, where `--store` is dynamodb://TABLE?region=REGION; None: the file."""
    lease: str | None = None
    """How replicas agree on who acts: none, file, dynamodb or kubernetes; None: dynamodb where
    the journal is there, else none (`--lease`, RIGHTSIZER_LEASE)."""
    lease_name: str = DEFAULT_LEASE_NAME
    """(`--lease-name`, RIGHTSIZER_LEASE_NAME)."""
    lease_table: str | None = None
    """Table of the lease; None: the journal's (`--lease-table`, RIGHTSIZER_LEASE_TABLE)."""
    lease_namespace: str | None = None
    """Namespace of a Kubernetes Lease; None: the pod's (`--lease-namespace`,
    RIGHTSIZER_LEASE_NAMESPACE)."""
    shard: str | None = None
    """Part of the fleet, `0/3` or `auto/3`; None: all of it (`--shard`, RIGHTSIZER_SHARD)."""
    listen: str = DEFAULT_LISTEN
    """Address of metrics and health (`--listen`, RIGHTSIZER_LISTEN)."""
    token_file: Path | None = None
    """File with the token that page, API and reload ask for; None: they ask for none
    (`--token-file`, RIGHTSIZER_TOKEN_FILE)."""
    token_for_metrics: bool = False
    """Whether `/metrics` asks for it too (`--token-for-metrics`, RIGHTSIZER_TOKEN_FOR_METRICS)."""
    public_page: bool = False
    """Whether, without a token, everybody who reaches the listener may look (`--public-page`,
    RIGHTSIZER_PUBLIC_PAGE)."""
    tls_cert: Path | None = None
    """Certificate chain in PEM; None: plain HTTP (`--tls-cert`, RIGHTSIZER_TLS_CERT)."""
    tls_key: Path | None = None
    """Its key (`--tls-key`, RIGHTSIZER_TLS_KEY)."""
    workers: int = DEFAULT_WORKERS
    """Threads that work on endpoints (`--workers`, RIGHTSIZER_WORKERS)."""
    journal_days: int = DEFAULT_JOURNAL_DAYS
    """Days after which a closed change leaves the journal (`--journal-days`,
    RIGHTSIZER_JOURNAL_DAYS)."""
    keep_versions: int | None = None
    """Published versions of ours to keep of each function; None: none is ever removed
    (`--keep-versions`, RIGHTSIZER_KEEP_VERSIONS)."""
    log_level: str = "info"
    """(`--log-level`, RIGHTSIZER_LOG_LEVEL)."""
    log_format: str = "auto"
    """auto, json or console (`--log-format`, RIGHTSIZER_LOG_FORMAT)."""
    color: bool = True
    """False where NO_COLOR is set."""
    endpoint_url: str | None = None
    """One address for all AWS services, such as a sandbox's; AWS_ENDPOINT_URL works as well."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of the process, read once; tests pass their own."""

    variables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_process(cls) -> "Environment":
        """A snapshot of the real one."""
        return cls(dict(os.environ))

    def get(self, name: str) -> str | None:
        """A variable of ours (`RIGHTSIZER_` + name), None where unset or empty."""
        return self.variables.get(ENV_PREFIX + name) or None

    @property
    def color(self) -> bool:
        """https://no-color.org: any non-empty NO_COLOR means none."""
        return not self.variables.get("NO_COLOR")

    @property
    def user(self) -> str:
        """Who is at the keyboard, for the journal; a name, not a proof."""
        names = (self.variables.get(name) for name in ("LOGNAME", "USER", "USERNAME"))
        return next((name for name in names if name), None) or _owner()

    @property
    def region(self) -> str | None:
        """The region of whoever does not name one, as the AWS tools have it."""
        return self.variables.get("AWS_REGION") or self.variables.get("AWS_DEFAULT_REGION") or None

    @property
    def default_store(self) -> Path:
        """`$XDG_STATE_HOME/rightsizer/journal.db`, in the home directory unless set."""
        home = Path(self.variables.get("HOME") or ".")
        state = self.variables.get("XDG_STATE_HOME")
        base = Path(state) if state else home / ".local" / "state"
        return base / "rightsizer" / "journal.db"


def _owner() -> str:
    """Whoever the process belongs to, where the environment does not say."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
