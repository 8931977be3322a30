"""`rightsizer iam-policy`: the permissions that a set of policies needs, and no more."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from controller.cli.exits import CommandError
from controller.cli.options import Verb, output_option, policies_option
from controller.cli.output import show_document, show_table, yaml_text
from controller.cli.session import Session, pass_session

if TYPE_CHECKING:
    from controller.core.permissions.grant import Grant
    from controller.model.policy import PolicySet

MODES = ("observe", "recommend", "enforce", "probe")


@click.command("iam-policy", cls=Verb)
@policies_option()
@click.option(
    "--mode",
    type=click.Choice(MODES),
    help="What to permit, whatever the policies' modes; by default what each policy's mode asks.",
)
@click.option(
    "--role-arn",
    metavar="ARN",
    help="For this role, which policies name in target.roleArn; by default for the controller's"
    " own identity.",
)
@click.option(
    "--trusted",
    metavar="ARN",
    help="Print who may assume --role-arn instead: this principal, with the policies' external id.",
)
@click.option("--account", metavar="ID", help="The account of the controller's own identity.")
@click.option("--table", "tables", multiple=True, metavar="NAME", help="A DynamoDB table of its"
              " journal or lease; may be given several times.")  # fmt: skip
@click.option("--topic", "topics", multiple=True, metavar="ARN", help="An SNS topic of --notify;"
              " may be given several times.")  # fmt: skip
@click.option("--log-group", "log_groups", multiple=True, metavar="NAME", help="Where functions"
              " log if not to /aws/lambda/NAME; may be given several times.")  # fmt: skip
@click.option("--models", multiple=True, metavar="S3-URL", help="Where models of serverless"
              " endpoints lie (s3://bucket/prefix), for their sizes; may be given several"
              " times.")  # fmt: skip
@click.option("--volume-key", "volume_keys", multiple=True, metavar="ARN", help="A KMS key that"
              " real-time endpoints encrypt their volumes with; may be given several"
              " times.")  # fmt: skip
@click.option(
    "--make-table", is_flag=True, help="Permit `rightsizer store init` to make the tables, too."
)
@click.option("--keep-versions", is_flag=True, help="Permit what `run --keep-versions` does.")
@click.option(
    "--split",
    is_flag=True,
    help="Print a list of documents, each short enough for a managed policy, to attach together.",
)
@output_option("json", "yaml", "table")
@pass_session
def iam_policy(
    session: Session,
    *,
    policies: tuple[str, ...],
    mode: str | None,
    role_arn: str | None,
    trusted: str | None,
    account: str | None,
    tables: tuple[str, ...],
    topics: tuple[str, ...],
    log_groups: tuple[str, ...],
    models: tuple[str, ...],
    volume_keys: tuple[str, ...],
    make_table: bool,
    keep_versions: bool,
    split: bool,
    output: str,
) -> None:
    """Print the least IAM permissions for policies.

    Permits each call that the controller makes for these policies, on the resources and under
    the tags that they name, and nothing else. Prints the same for the same policies, so that
    the document can be kept under version control; `-o table` says why each statement is
    there. Makes no call to AWS.
    """
    from controller.cli.connect import load_policies
    from controller.core.permissions.grant import Access
    from controller.core.permissions.needs import Features, Table, needs

    loaded = load_policies(session, policies)
    _check_role(loaded, role_arn, trusted)
    if trusted is not None and role_arn is not None:
        _show_trust(session, loaded, role_arn, trusted, output)
        return
    features = Features(
        topics=topics,
        tables=tuple(Table(name, _region(session, loaded), make_table) for name in tables),
        log_groups=log_groups,
        keep_versions=keep_versions,
        volume_keys=_keys(volume_keys),
        models=_stores(models),
        account=account,
    )
    asked = None if mode is None else Access[mode.upper()]
    grants = needs(loaded, features, asked=asked, role_arn=role_arn)
    if not grants:
        raise CommandError("these policies ask for nothing: all of them are Off")
    _show(session, grants, output, split=split)
    _tell_roles(session, loaded, role_arn)


def _show(session: Session, grants: "Sequence[Grant]", output: str, *, split: bool) -> None:
    from controller.core.permissions.documents import document, documents

    whole = document(grants)
    if output == "table":
        _show_reasons(session, grants)
    elif split:
        _show_list(session, output, documents(grants))
    else:
        _tell_size(session, whole)
        show_document(session, output, whole)


def _check_role(loaded: "PolicySet", role_arn: str | None, trusted: str | None) -> None:
    from controller.core.permissions.needs import roles

    if trusted is not None and role_arn is None:
        raise click.UsageError("--trusted needs --role-arn: the role that is trusted with.")
    known = roles(loaded)
    if role_arn is not None and role_arn not in known:
        named = ", ".join(known) or "none"
        raise CommandError(f"no policy names the role {role_arn}; named are: {named}")


def _keys(given: tuple[str, ...]) -> tuple[str, ...]:
    """KMS keys by ARN, for a policy's resource can be nothing else. Raises UsageError."""
    for arn in given:
        if not (arn.startswith("arn:") and ":kms:" in arn and ":key/" in arn):
            raise click.UsageError(f"--volume-key takes the ARN of a KMS key, not {arn!r}.")
    return given


def _stores(given: tuple[str, ...]) -> tuple[str, ...]:
    """Buckets, or prefixes in them, by URL. Raises UsageError."""
    for url in given:
        if not url.startswith("s3://") or not url.removeprefix("s3://").partition("/")[0]:
            raise click.UsageError(
                f"--models takes s3://bucket or s3://bucket/prefix, not {url!r}."
            )
    return given


def _region(session: Session, loaded: "PolicySet") -> str:
    """Of the controller's own tables: where it lives. Raises CommandError."""
    regions = {policy.target.scope.region for policy in loaded.policies}
    here = session.environment.region or (regions.pop() if len(regions) == 1 else None)
    if here is None:
        raise CommandError("the tables' region is not known: set AWS_REGION")
    return here


def _show_trust(
    session: Session, loaded: "PolicySet", role_arn: str, trusted: str, output: str
) -> None:
    from controller.core.permissions.documents import trust

    scopes = [p.target.scope for p in loaded.policies if p.target.scope.role_arn == role_arn]
    ids = {scope.external_id for scope in scopes}
    if len(ids) > 1:
        raise CommandError(f"policies name {len(ids)} external ids for {role_arn}; it can ask one")
    (external_id,) = ids
    if external_id is None:
        session.say(f"warning: no policy has an externalId for {role_arn}")
    content = trust(trusted, external_id)
    show_document(session, "json" if output == "table" else output, content)


def _show_reasons(session: Session, grants: "Sequence[Grant]") -> None:
    rows = []
    for grant in grants:
        tests = [f"{c.key} = {' or '.join(c.values)}" for c in grant.conditions]
        where = ", ".join(grant.resources) + (f" if {' and '.join(tests)}" if tests else "")
        rows.append((grant.sid, ", ".join(grant.actions), where, grant.why))
    show_table(session, ("STATEMENT", "ACTIONS", "ON", "WHY"), rows)


def _show_list(session: Session, output: str, parts: "list[dict[str, Any]]") -> None:
    """A JSON array, or one YAML document each: what the tools that attach policies read."""
    if output == "yaml":
        session.write("---\n".join(yaml_text(part) for part in parts))
    else:
        session.write(json.dumps(parts, indent=2) + "\n")


def _tell_size(session: Session, content: dict[str, object]) -> None:
    from controller.core.permissions.documents import MANAGED_POLICY_CHARACTERS, characters

    size = characters(content)
    if size > MANAGED_POLICY_CHARACTERS:
        session.say(
            f"warning: {size} characters, and a managed policy holds "
            f"{MANAGED_POLICY_CHARACTERS}: name endpoints by pattern or tag, or --split"
        )


def _tell_roles(session: Session, loaded: "PolicySet", role_arn: str | None) -> None:
    from controller.core.permissions.needs import roles

    if role_arn is None:
        for role in roles(loaded):
            session.say(f"policies also act as {role}: print its document with --role-arn")
