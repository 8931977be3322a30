"""Names that AWS and policies use, checked for what AWS would accept.

Patterns from the service models of Lambda and IAM. A name that AWS could never have
given is an error here, with what was probably meant; whether it exists is found out there.
"""

import fnmatch
import re
import unicodedata

from controller.model.endpoint import ALL_TRAFFIC, LATEST, Kind
from controller.policy.problems import NotTextError, SpecValueError, did_you_mean, nearest, shown

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
FUNCTION_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
GLOB_PATTERN = r"^[A-Za-z0-9_?*!\[\]-]{1,128}$"
QUALIFIER_PATTERN = r"^(\$LATEST|[A-Za-z0-9_-]{1,128})$"
REGION_PATTERN = r"^[a-z]{2}(-[a-z]{2,12}){1,3}-[0-9]$"
ACCOUNT_PATTERN = r"^[0-9]{12}$"
ROLE_PATTERN = r"^arn:aws[a-z-]{0,20}:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}$"
EXTERNAL_ID_PATTERN = r"^[A-Za-z0-9+=,.@:/_-]{2,1224}$"

KNOWN_REGIONS = frozenset(
    """
    af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1
    ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5
    ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 cn-north-1 cn-northwest-1
    eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3
    il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2
    us-gov-east-1 us-gov-west-1 us-west-1 us-west-2
    """.split()  # noqa: SIM905  (forty quoted words read worse)
)
"""For hints only: AWS opens regions faster than programs are released."""

ANY_KIND = "any"
KINDS = tuple(Kind)
_KIND_WORDS = {
    "lambda": Kind.LAMBDA_FUNCTION,
    "function": Kind.LAMBDA_FUNCTION,
    "serverless": Kind.SERVERLESS_ENDPOINT,
    "serverlessinference": Kind.SERVERLESS_ENDPOINT,
    "realtime": Kind.REALTIME_ENDPOINT,
    "real-time": Kind.REALTIME_ENDPOINT,
    "hosting": Kind.REALTIME_ENDPOINT,
    "all": ANY_KIND,
    "*": ANY_KIND,
}
_SAGEMAKER_NAME = re.compile(r"[A-Za-z0-9](-*[A-Za-z0-9]){0,62}")
"""Of endpoints, configs and variants: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}."""
_ENDPOINT_ARN = re.compile(
    r"arn:aws[a-z-]{0,20}:sagemaker:([a-z0-9-]{0,30}):([0-9]{0,12}):endpoint/([A-Za-z0-9-]{1,63})"
)
_FUNCTION_ARN = re.compile(
    r"arn:aws[a-z-]{0,20}:lambda:([a-z0-9-]{0,30}):([0-9]{0,12})"
    r":function:([A-Za-z0-9_-]{1,64})(?::([A-Za-z0-9$_-]{1,128}))?"
)
_QUALIFIED = re.compile(r"([A-Za-z0-9_-]{1,64}):([A-Za-z0-9$_-]{1,128})")


def parse_name(value: object) -> str:
    """`metadata.name`: small letters, digits and dashes, as in Kubernetes."""
    text = _text(value)
    if not re.fullmatch(NAME_PATTERN[1:-1], text):
        slug = slugified(text)
        raise SpecValueError(
            f"{shown(text)} is not a name: at most 63 small letters, digits and dashes",
            f'did you mean "{slug}"?' if slug else None,
        )
    return text


def slugified(text: str) -> str:
    """A policy name made of any text; empty where nothing of it can be used."""
    return re.sub(r"[^a-z0-9]+", "-", text[:200].lower()).strip("-")[:63].rstrip("-")


def parse_kinds(value: object) -> tuple[Kind, ...]:
    """`target.kind`: one kind, a list of kinds, or `any`; in the order of the vocabulary."""
    if value == ANY_KIND:
        return KINDS
    if not isinstance(value, list):
        return (parse_kind(value),)
    if not value:
        raise SpecValueError("an empty list names no kind", f"write {ANY_KIND} for all kinds")
    named = [parse_kind(item) for item in value]
    for place, kind in enumerate(named):
        if kind in named[:place]:
            raise SpecValueError(f"{kind.value} is listed twice")
    return tuple(kind for kind in KINDS if kind in named)


def parse_kind(value: object) -> Kind:
    """One kind of endpoint."""
    text = _text(value)
    try:
        return Kind(text)
    except ValueError:
        words = [kind.value for kind in Kind]
        meant = _KIND_WORDS.get(text.lower()) or nearest(text, words)
        hint = f'did you mean "{meant}"?' if meant else f"known kinds: {', '.join(words)}"
        raise SpecValueError(f"{shown(text)} is not a kind of endpoint", hint) from None


def parse_function_name(value: object) -> str:
    """A Lambda function's plain name; an ARN or `name:alias` is taken apart in the hint.

    The names of SageMaker endpoints are among them; `wrong_endpoint_name` says which are not.
    """
    text = _text(value)
    if re.fullmatch(FUNCTION_PATTERN[1:-1], text):
        return text
    arn = _ENDPOINT_ARN.fullmatch(text)
    if arn is not None:
        region, account, name = arn.groups()
        hint = f'did you mean name: "{name}", region: "{region}", account: "{account}"?'
        raise SpecValueError(f"{shown(text)} is not the name of an endpoint", hint)
    raise SpecValueError(f"{shown(text)} is not the name of a function", _function_hint(text))


def wrong_endpoint_name(name: str, what: str) -> tuple[str, str] | None:
    """Why SageMaker cannot have given a name that Lambda could, and a hint."""
    if _SAGEMAKER_NAME.fullmatch(name):
        return None
    hint = "letters, digits and dashes, at most 63, a letter or digit at both ends"
    return f"{shown(name)} is not the name of {what}", hint


def _function_hint(text: str) -> str | None:
    arn = _FUNCTION_ARN.fullmatch(text)
    if arn is not None:
        region, account, name, alias = arn.groups()
        qualifier = f', qualifier: "{alias}"' if alias else ""
        return f'did you mean name: "{name}", region: "{region}", account: "{account}"{qualifier}?'
    if any(c in text for c in "*?["):
        return "a pattern belongs in selector.namePattern"
    qualified = _QUALIFIED.fullmatch(text)
    if qualified is not None:
        name, alias = qualified.groups()
        return f'did you mean name: "{name}", qualifier: "{alias}"?'
    return "letters, digits, dashes and underscores, at most 64"


def parse_glob(value: object) -> str:
    """Shell wildcards over names: `ocr-*`."""
    text = _text(value)
    if not re.fullmatch(GLOB_PATTERN[1:-1], text):
        wants = ".*" in text or "^" in text or "$" in text
        hint = "write shell wildcards, not a regular expression: ocr-*" if wants else None
        raise SpecValueError(f"{shown(text)} matches no name that a function can have", hint)
    return text


def matches_glob(pattern: str, name: str) -> bool:
    """Whether the whole name matches; letters are compared with their case."""
    return fnmatch.fnmatchcase(name, pattern)


def parse_qualifier(value: object) -> str:
    """`$LATEST`, an alias or a variant; `wrong_qualifier` knows more once the kind is known."""
    text = _text(value)
    if text != LATEST and text.upper() == LATEST:
        raise SpecValueError(f"{shown(text)} is not a qualifier", f'did you mean "{LATEST}"?')
    if not re.fullmatch(QUALIFIER_PATTERN[1:-1], text):
        raise SpecValueError(f"{shown(text)} is not an alias", f"name an alias, or {LATEST}")
    return text


def wrong_qualifier(qualifier: str, kind: Kind) -> tuple[str, str] | None:
    """Why an endpoint of a kind cannot have a qualifier, and a hint.

    A version of a function cannot be changed and so cannot be rightsized.
    """
    if kind is Kind.LAMBDA_FUNCTION:
        if qualifier.isdigit():
            message = f"{shown(qualifier)} is a version, and versions never change"
            return message, "name the alias that traffic uses"
        return None
    if qualifier == LATEST:
        message = f"{shown(qualifier)} is of Lambda functions; endpoints have variants"
        return message, f"remove it for {ALL_TRAFFIC}, or name the variant"
    return wrong_endpoint_name(qualifier, "a variant")


def parse_region(value: object) -> str:
    """`eu-west-1`."""
    text = _text(value)
    if not re.fullmatch(REGION_PATTERN[1:-1], text):
        known = did_you_mean(text, KNOWN_REGIONS)
        raise SpecValueError(f"{shown(text)} is not a region", known or "write it as eu-west-1")
    return text


def parse_account(value: object) -> str:
    """Twelve digits, as text: a number would lose leading zeros."""
    text = _text(value)
    if re.fullmatch(r"[0-9]{4}-[0-9]{4}-[0-9]{4}", text):
        meant = text.replace("-", "")
        raise SpecValueError(f"{shown(text)} is not an account", f'did you mean "{meant}"?')
    if not re.fullmatch(ACCOUNT_PATTERN[1:-1], text):
        raise SpecValueError(f"{shown(text)} is not an account: twelve digits")
    return text


def parse_role_arn(value: object) -> str:
    """The ARN of a role to assume."""
    text = _text(value)
    if not re.fullmatch(ROLE_PATTERN[1:-1], text):
        raise SpecValueError(
            f"{shown(text)} is not the ARN of a role",
            "write it as arn:aws:iam::123456789012:role/NAME",
        )
    return text


def role_account(role_arn: str) -> str:
    """The account a role lives in."""
    return role_arn.split(":")[4]


def parse_external_id(value: object) -> str:
    """What `sts:AssumeRole` takes as ExternalId."""
    text = _text(value)
    if not re.fullmatch(EXTERNAL_ID_PATTERN[1:-1], text):
        raise SpecValueError(f"{shown(text)} is not an external id")
    return text


def parse_label(value: object) -> str:
    """The value of a label, an annotation or a tag."""
    text = _text(value)
    if len(text) > 256:
        raise SpecValueError(f"{shown(text)} is longer than 256 characters")
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in text):
        raise SpecValueError(f"{shown(text)} holds control characters")
    return text


def parse_label_key(value: object) -> str:
    """The key of a label, an annotation or a tag."""
    text = _text(value)
    if not 0 < len(text) <= 128 or not text.isprintable():
        raise SpecValueError("a key has 1 to 128 printable characters")
    return text


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise NotTextError(f"{shown(value)} is not text")
    return value
