"""Prices: the port `PriceSource`, from the Price List API, asked once a day per region.

Prices change rarely and the API is far away, so an old price is better than none: a failed
read keeps the last good copy (which outlives the process), then the bundled table, and says
how old it is. Only where there is neither is the price `Missing`.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator

from controller.aws.bundled_prices import BUNDLED
from controller.aws.errors import translated
from controller.aws.price_list import ARCHITECTURES, SERVICE_CODE, lambda_prices
from controller.aws.price_memory import from_text, to_text
from controller.aws.sessions import Sessions
from controller.model.errors import AdapterError
from controller.model.missing import Maybe, Missing
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.ports import Clock

DAY_S = 86_400.0
RETRY_S = 900.0

_Key = tuple[str, str]
"""(region, architecture)"""


class PriceListSource:
    """Lambda prices with a memory; safe to share by threads."""

    def __init__(
        self,
        sessions: Sessions,
        clock: Clock,
        *,
        load: Callable[[], str | None] = lambda: None,
        save: Callable[[str], None] = lambda _: None,
        max_age_s: float = DAY_S,
    ) -> None:
        """`load` and `save` keep one text between runs of the program."""
        self._sessions = sessions
        self._clock = clock
        self._load = load
        self._save = save
        self._max_age_s = max_age_s
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = defaultdict(threading.Lock)
        self._good: dict[_Key, LambdaPrices] | None = None
        self._failures: dict[_Key, str] = {}
        self._ask_again_s: dict[str, float] = {}
        self._given: dict[_Key, LambdaPrices] = {}

    def lambda_prices(self, region: str, architecture: str) -> Maybe[LambdaPrices]:
        """The freshest prices at hand, asking AWS first where they are over a day old."""
        key = (region, architecture)
        if architecture not in ARCHITECTURES:
            return Missing(f"Lambda prices for the architecture {architecture} are not known")
        with self._lock:
            asking = self._asking[region]
        # One thread asks; others who want the same region wait for its answer.
        with asking:
            if self._due(region):
                self._ask(region)
        with self._lock:
            known = [p for p in (self._known().get(key), BUNDLED.get(key)) if p is not None]
            if not known:
                why = self._failures.get(key, "no price was found")
                return Missing(f"Lambda prices of {region} ({architecture}) are not known: {why}")
            self._given[key] = max(known, key=lambda prices: prices.as_of_s)
            return self._given[key]

    def hosting_prices(self, region: str) -> Maybe[HostingPrices]:
        """Prices of real-time instances: not read yet."""
        return Missing(f"SageMaker hosting prices of {region} are not known")

    def serverless_prices(self, region: str) -> Maybe[ServerlessPrices]:
        """Prices of serverless inference: not read yet."""
        return Missing(f"SageMaker serverless prices of {region} are not known")

    def age_s(self, now_s: float) -> Maybe[float]:
        """Age of the oldest price given out; Missing while none was."""
        with self._lock:
            if not self._given:
                return Missing("no price was asked for yet")
            return max(0.0, now_s - min(prices.as_of_s for prices in self._given.values()))

    def failures(self) -> dict[str, str]:
        """Regions whose prices could not be read last time, and why; for `doctor`."""
        with self._lock:
            return {region: why for (region, _), why in sorted(self._failures.items())}

    def _known(self) -> dict[_Key, LambdaPrices]:
        if self._good is None:
            self._good = {(p.region, p.architecture): p for p in from_text(self._load())}
        return self._good

    def _due(self, region: str) -> bool:
        now_s = self._clock.now_s()
        with self._lock:
            known = self._known()
            if region in self._ask_again_s:
                return now_s >= self._ask_again_s[region]
            ages = [now_s - known[k].as_of_s for k in known if k[0] == region]
            return not ages or not 0.0 <= max(ages) < self._max_age_s

    def _ask(self, region: str) -> None:
        now_s = self._clock.now_s()
        try:
            products = list(self._products(region))
        except AdapterError as error:
            with self._lock:
                self._failures.update({(region, a): str(error) for a in ARCHITECTURES})
                self._ask_again_s[region] = now_s + RETRY_S
            return
        with self._lock:
            self._ask_again_s[region] = now_s + self._max_age_s
            for architecture in ARCHITECTURES:
                found = lambda_prices(products, region, architecture, now_s)
                self._learn((region, architecture), found)
            text = to_text(self._known().values())
        self._save(text)

    def _learn(self, key: _Key, found: Maybe[LambdaPrices]) -> None:
        if isinstance(found, Missing):
            self._failures[key] = found.reason
        else:
            self._known()[key] = found
            self._failures.pop(key, None)

    def _products(self, region: str) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            with translated("pricing", "GetProducts"):
                page = self._sessions.pricing().get_products(
                    ServiceCode=SERVICE_CODE,
                    Filters=[{"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}],
                    FormatVersion="aws_v1",
                    MaxResults=100,
                    **more,
                )
            yield from page["PriceList"]
            token = page.get("NextToken")
            if not token:
                return
            more = {"NextToken": token}
