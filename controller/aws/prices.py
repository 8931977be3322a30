"""Prices: the port `PriceSource`, from the Price List API, asked once a day per region.

Prices change rarely and the API is far away, so an old price is better than none: a failed
read keeps the last good copy (which outlives the process), then the bundled table, and says
how old it is. Only where there is neither is the price `Missing`.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from controller.aws.errors import translated
from controller.aws.price_list import ARCHITECTURES
from controller.aws.price_memory import Prices, from_text, to_text
from controller.aws.price_shelves import (
    HOSTING,
    LAMBDA,
    SAGEMAKER,
    SERVERLESS,
    Key,
    Shelf,
    bundled,
    key_of,
)
from controller.aws.sessions import Sessions
from controller.model.errors import AdapterError
from controller.model.missing import Maybe, Missing
from controller.model.price import HostingPrices, LambdaPrices, ServerlessPrices
from controller.ports import Clock

DAY_S = 86_400.0
RETRY_S = 900.0

_Asked = tuple[str, str]
"""(service code, region): what one question to the Price List is about."""


class PriceListSource:
    """Prices of all kinds with a memory; safe to share by threads."""

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
        self._asking: dict[_Asked, threading.Lock] = defaultdict(threading.Lock)
        self._good: dict[Key, Prices] | None = None
        self._failures: dict[Key, str] = {}
        self._ask_again_s: dict[_Asked, float] = {}
        self._given: dict[Key, Prices] = {}

    def lambda_prices(self, region: str, architecture: str) -> Maybe[LambdaPrices]:
        """The freshest prices at hand, asking AWS first where they are over a day old."""
        if architecture not in ARCHITECTURES:
            return Missing(f"Lambda prices for the architecture {architecture} are not known")
        found = self._freshest(LAMBDA, (architecture, region))
        if isinstance(found, LambdaPrices):
            return found
        return Missing(f"Lambda prices of {region} ({architecture}) are not known: {found}")

    def hosting_prices(self, region: str) -> Maybe[HostingPrices]:
        """As `lambda_prices`, of real-time instances."""
        found = self._freshest(SAGEMAKER, (HOSTING, region))
        if isinstance(found, HostingPrices):
            return found
        return Missing(f"prices of SageMaker instances in {region} are not known: {found}")

    def serverless_prices(self, region: str) -> Maybe[ServerlessPrices]:
        """As `lambda_prices`, of serverless inference."""
        found = self._freshest(SAGEMAKER, (SERVERLESS, region))
        if isinstance(found, ServerlessPrices):
            return found
        return Missing(f"prices of SageMaker serverless in {region} are not known: {found}")

    def age_s(self, now_s: float) -> Maybe[float]:
        """Age of the oldest price given out; Missing while none was."""
        with self._lock:
            if not self._given:
                return Missing("no price was asked for yet")
            return max(0.0, now_s - min(prices.as_of_s for prices in self._given.values()))

    def failures(self) -> dict[str, str]:
        """Regions whose prices could not be read last time, and why; for `doctor`."""
        with self._lock:
            return {region: why for (_, region), why in sorted(self._failures.items())}

    def failure(self, what: str, region: str) -> str | None:
        """Why the prices of an architecture, of `hosting` or `serverless` could not be read
        last time; None where they could."""
        with self._lock:
            return self._failures.get((what, region))

    def _freshest(self, shelf: Shelf, key: Key) -> Prices | str:
        """The prices, or why there are none."""
        asked = (shelf.service_code, key[1])
        with self._lock:
            asking = self._asking[asked]
        # One thread asks; others who want the same region wait for its answer.
        with asking:
            if self._due(shelf, key[1]):
                self._ask(shelf, key[1])
        with self._lock:
            known = [p for p in (self._known().get(key), bundled(key)) if p is not None]
            if not known:
                return self._failures.get(key, "no price was found")
            self._given[key] = max(known, key=lambda prices: prices.as_of_s)
            return self._given[key]

    def _known(self) -> dict[Key, Prices]:
        if self._good is None:
            self._good = {key_of(prices): prices for prices in from_text(self._load())}
        return self._good

    def _due(self, shelf: Shelf, region: str) -> bool:
        now_s = self._clock.now_s()
        with self._lock:
            known = self._known()
            again_s = self._ask_again_s.get((shelf.service_code, region))
            if again_s is not None:
                return now_s >= again_s
            keys = [(what, region) for what in shelf.readers]
            ages = [now_s - known[key].as_of_s for key in keys if key in known]
            return not ages or not 0.0 <= max(ages) < self._max_age_s

    def _ask(self, shelf: Shelf, region: str) -> None:
        now_s = self._clock.now_s()
        asked = (shelf.service_code, region)
        try:
            products = self._products(shelf, region)
        except AdapterError as error:
            with self._lock:
                self._failures.update({(what, region): str(error) for what in shelf.readers})
                self._ask_again_s[asked] = now_s + RETRY_S
            return
        with self._lock:
            self._ask_again_s[asked] = now_s + self._max_age_s
            for what, read in shelf.readers.items():
                self._learn((what, region), read(products, region, now_s))
            text = to_text(self._known().values())
        self._save(text)

    def _learn(self, key: Key, found: Maybe[Prices]) -> None:
        if isinstance(found, Missing):
            self._failures[key] = found.reason
        else:
            self._known()[key] = found
            self._failures.pop(key, None)

    def _products(self, shelf: Shelf, region: str) -> Sequence[str]:
        here = {"Type": "TERM_MATCH", "Field": "regionCode", "Value": region}
        found: list[str] = []
        for part in shelf.usage_types:
            like = {"Type": "CONTAINS", "Field": "usagetype", "Value": part}
            found += self._pages(shelf.service_code, [here, like])
        return found or list(self._pages(shelf.service_code, [here]))

    def _pages(self, service_code: str, filters: Sequence[dict[str, str]]) -> Iterator[str]:
        more: dict[str, str] = {}
        while True:
            with translated("pricing", "GetProducts"):
                page = self._sessions.pricing().get_products(
                    ServiceCode=service_code,
                    Filters=filters,  # type: ignore[arg-type]  # the stubs want literals
                    FormatVersion="aws_v1",
                    MaxResults=100,
                    **more,
                )
            yield from page["PriceList"]
            token = page.get("NextToken")
            if not token:
                return
            more = {"NextToken": token}
