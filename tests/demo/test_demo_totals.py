"""Sums of the ledger, where something has no price."""

from typing import Any, cast

from controller.demo.figures import Figures
from controller.demo.ledger import Entry, Estimated, Ledger
from controller.model.endpoint import EndpointKey, Kind
from controller.model.missing import Missing
from controller.model.policy import Slo
from controller.model.size import LambdaSize

KEY = EndpointKey("000000000000", "eu-west-1", Kind.LAMBDA_FUNCTION, "ocr")
UNKNOWN = Missing("nobody estimated it")
NOBODY = cast(Any, None)


def entry(before_usd: float | None, after_usd: float | None) -> Entry:
    before, after = (Figures(LambdaSize(512), 10.0, 1.0, usd) for usd in (before_usd, after_usd))
    estimated = Estimated(UNKNOWN, UNKNOWN, UNKNOWN)
    return Entry(KEY, Slo(100.0), before, before, after, None, estimated, (), {}, NOBODY)


def test_what_has_no_price_is_no_saving() -> None:
    whole = Ledger(NOBODY, [entry(10.0, 4.0), entry(5.0, 6.0)], NOBODY)
    assert (whole.before_usd_per_month, whole.after_usd_per_month) == (15.0, 10.0)
    assert (whole.saves_usd_per_month, whole.hindsight_usd_per_month) == (5.0, 10.0)
    torn = Ledger(NOBODY, [entry(10.0, 4.0), entry(5.0, None)], NOBODY)
    assert isinstance(torn.entries[1].saves_usd_per_month, Missing)
    assert isinstance(torn.saves_usd_per_month, Missing)
    assert torn.before_usd_per_month == 15.0
    assert isinstance(torn.hindsight_usd_per_month, Missing)
