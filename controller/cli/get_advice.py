"""`rightsizer get advice`: what would save money and is carried out by nobody."""

from collections.abc import Mapping

import click

from controller.cli.endpoints import KEY_LABELS, complete, labels, pick, selected
from controller.cli.options import Verb, output_option, selector_option
from controller.cli.output import listing, show_document, show_names, show_table
from controller.cli.session import Session, pass_session


@click.command(cls=Verb, name="advice")
@click.argument("endpoint", required=False, shell_complete=complete)
@selector_option(*KEY_LABELS, "reason")
@output_option("table", "json", "yaml", "name")
@pass_session
def advice(
    session: Session, *, endpoint: str | None, selectors: Mapping[str, str], output: str
) -> None:
    """What a person might do to save money.

    Idle endpoints, traffic that is a batch, another kind of hosting, endpoints that could share
    an instance, configurations left behind: as last judged, dearest first. None of it is ever
    carried out by the controller. -l asks for kind, account, region, name, qualifier or reason.
    """
    from controller.cli.get_views import ADVICE_COLUMNS, advice_row
    from controller.cli.journal import reading

    with reading(session) as store:
        known = store.assessments()
        if endpoint is not None:
            key = pick(endpoint, known, f"in the journal {store.path}")
            known = {key: known[key]}
        items = [
            {"endpoint": document["endpoint"], **one}
            for key, document in known.items()
            for one in document.get("advice", ())
            if selected(selectors, labels(key, {"reason": str(one.get("reason"))}))
        ]
    items.sort(key=lambda item: -((item.get("savesUsdPerMonth") or {}).get("mid") or 0.0))
    if output == "name":
        show_names(session, dict.fromkeys(str(item["endpoint"]["key"]) for item in items))
    elif output in {"json", "yaml"}:
        show_document(session, output, listing("AdviceList", items))
    elif items:
        show_table(session, ADVICE_COLUMNS, [advice_row(item) for item in items])
    else:
        session.say("nothing found")
