"""The Price List API: products as JSON strings, found by filters on their attributes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.sandbox.extensions import state_of
from controller.sandbox.faults import FaultKind, TransportFault
from controller.sandbox.pages import BadTokenError, page_of
from controller.sandbox.price_list import lambda_products
from controller.sandbox.sagemaker.price_list import WarmPrices, sagemaker_products
from controller.sandbox.wire.contract import AwsError, Handler, RequestContext

if TYPE_CHECKING:
    from controller.sandbox.world import World

ENDPOINT_REGIONS = frozenset({"us-east-1", "eu-central-1", "ap-south-1"})
_PRODUCTS: Mapping[str, Callable[[World], Sequence[Mapping[str, Any]]]] = {
    "AWSLambda": lambda _: lambda_products(),
    "AmazonSageMaker": lambda world: sagemaker_products(state_of(world, WarmPrices)),
}
_FORMAT = "aws_v1"
_FILTER_NAMES = {"ServiceCode": "servicecode"}


def get_products(world: World, ctx: RequestContext, params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Products that match every filter, a hundred at most a page."""
    _admit(ctx, params)
    code = _known_service(params["ServiceCode"])
    filters = params.get("Filters", [])
    found = [one for one in _PRODUCTS[code](world) if all(_matches(one, f) for f in filters)]
    page, token = _page(found, params, f"products/{code}/{_digest(filters)}")
    answer: dict[str, Any] = {
        "FormatVersion": _FORMAT,
        "PriceList": [json.dumps(product, separators=(",", ":")) for product in page],
    }
    return answer if token is None else {**answer, "NextToken": token}


def get_attribute_values(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Every value an attribute has among the products, sorted."""
    _admit(ctx, params)
    code, name = _known_service(params["ServiceCode"]), params["AttributeName"]
    if name not in _attribute_names(world, code):
        raise AwsError("NotFoundException", f"There is no attribute {name} for {code}.")
    values = sorted(
        {_attributes(one)[name] for one in _PRODUCTS[code](world) if name in _attributes(one)}
    )
    page, token = _page(values, params, f"values/{code}/{name}")
    answer: dict[str, Any] = {"AttributeValues": [{"Value": value} for value in page]}
    return answer if token is None else {**answer, "NextToken": token}


def describe_services(
    world: World, ctx: RequestContext, params: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The services that are sold here, with their attributes; all, or the one asked for."""
    _admit(ctx, params)
    codes: Sequence[str] = sorted(_PRODUCTS)
    if params.get("ServiceCode") is not None:
        codes = [_known_service(params["ServiceCode"])]
    services = [
        {"ServiceCode": code, "AttributeNames": _attribute_names(world, code)} for code in codes
    ]
    page, _ = _page(services, params, "services")
    return {"Services": list(page), "FormatVersion": _FORMAT}


def _admit(ctx: RequestContext, params: Mapping[str, Any]) -> None:
    """The API has endpoints in three regions only; elsewhere its name does not resolve."""
    if ctx.region not in ENDPOINT_REGIONS:
        raise TransportFault(FaultKind.UNREACHABLE)
    if params.get("FormatVersion", _FORMAT) != _FORMAT:
        raise AwsError("InvalidParameterException", f"The only FormatVersion is {_FORMAT}.")


def _known_service(code: str) -> str:
    if code not in _PRODUCTS:
        raise AwsError("NotFoundException", f"Service {code} is not in the sandbox's price list.")
    return code


def _attributes(product: Mapping[str, Any]) -> Mapping[str, str]:
    inner = product["product"]
    return {**inner["attributes"], "productFamily": inner["productFamily"]}


def _attribute_names(world: World, code: str) -> list[str]:
    return sorted({name for product in _PRODUCTS[code](world) for name in _attributes(product)})


def _matches(product: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """A product without the attribute matches nothing but NONE_OF.

    ANY_OF and NONE_OF take several values, divided by commas.
    """
    name = _FILTER_NAMES.get(wanted["Field"], wanted["Field"])
    value, kind = wanted["Value"], wanted["Type"]
    own = product["product"]["sku"] if name == "sku" else _attributes(product).get(name)
    if kind == "NONE_OF":
        return own is None or own not in value.split(",")
    if own is None:
        return False
    if kind == "CONTAINS":
        return value in own
    if kind == "ANY_OF":
        return own in value.split(",")
    return own == value


def _digest(filters: Sequence[Mapping[str, str]]) -> str:
    return json.dumps([sorted(one.items()) for one in filters])


def _page(
    items: Sequence[Any], params: Mapping[str, Any], listing: str
) -> tuple[Sequence[Any], str | None]:
    try:
        return page_of(items, params.get("NextToken"), params.get("MaxResults", 100), listing)
    except BadTokenError as problem:
        raise AwsError("InvalidNextTokenException", "Invalid NextToken.") from problem


HANDLERS: Mapping[str, Handler] = {
    "GetProducts": get_products,
    "GetAttributeValues": get_attribute_values,
    "DescribeServices": describe_services,
}
