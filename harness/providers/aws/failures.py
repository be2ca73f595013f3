"""AWS's refusals in, the text that a user reads out: what was being done, to what, AWS's own code and message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from harness.providers.contract import ProviderError
from harness.providers.flights import AbandonedError

if TYPE_CHECKING:
    from harness.providers.aws.declare import Resource

# Answers with the status of a fault that are refusals all the same: the target was busy or full, and did nothing.
_BUSY: Final = re.compile(
    r"Throttl|SlowDown|TooManyRequests|LimitExceeded|Insufficient\w*Capacity|PriorRequestNotComplete"
)
_TIMED_OUT: Final = 408  # HTTP: the request did not arrive whole, as far as this server knows
_FAULT: Final = 500
_DENIED: Final = re.compile(r"AccessDenied|AuthorizationError|Unauthorized|NotAuthorized|Forbidden")
_ABSENT: Final = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|not\.found")


class CancelledError(AbandonedError):
    """The engine cancelled while we waited."""


class Refusal(ProviderError):  # noqa: N818 - it is what the target said, not a fault of ours
    """The target said no; `code` is AWS's own."""

    def __init__(self, message: str, code: str, *, definite: bool = True) -> None:
        super().__init__(message, definite=definite)
        self.code = code


def code_of(error: BaseException) -> str:
    """AWS's error code, or empty when the error is none of AWS's."""
    if isinstance(error, Refusal):
        return error.code
    response: Any = getattr(error, "response", None)
    return str(response.get("Error", {}).get("Code", "")) if isinstance(response, dict) else ""


def message_of(error: BaseException) -> str:
    """AWS's message, or the error's own."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Message", "")).strip()
    return str(error)


def says_absent(error: BaseException, resource: Resource | None = None) -> bool:
    """Whether the target says that the thing, or what it is part of, does not exist."""
    code = code_of(error)
    if not code:
        return False
    if _ABSENT.search(code):
        return True
    if code == "404":  # without a word of AWS's: only an answer to HEAD has no room for one, else a stranger spoke
        return isinstance(error, Refusal) or str(getattr(error, "operation_name", "")).startswith("Head")
    if resource is None:
        return False
    if code in resource.absent.split():
        return True
    return bool(resource.absent_message and re.search(resource.absent_message, message_of(error)))


def says_denied(error: BaseException) -> bool:
    """Whether we may not ask for that; credentials that nobody takes any more are another thing."""
    code = code_of(error)
    if code == "403":  # without a word, as with 404
        return isinstance(error, Refusal) or str(getattr(error, "operation_name", "")).startswith("Head")
    return bool(_DENIED.search(code))


def passes(error: BaseException, marks: str) -> bool:
    """Whether the error is one of those (`Code` or `Code:part of the message`, one per line) that pass."""
    code, message = code_of(error), message_of(error)
    for line in filter(None, (one.strip() for one in marks.splitlines())):
        wanted, _, part = line.partition(":")
        if code == wanted and part in message:
            return True
    return False


def loses(status: int, code: str) -> bool:
    """Whether an answer of this HTTP status and AWS code leaves open what was done."""
    return (status >= _FAULT or status == _TIMED_OUT) and not _BUSY.search(code)


def is_lost(error: BaseException) -> bool:
    """Whether the target may have done what was asked, though no answer says so."""
    from botocore import exceptions

    if isinstance(error, AbandonedError):
        return True
    if isinstance(error, ProviderError):
        return not error.definite
    if isinstance(error, exceptions.ClientError):
        return loses(int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)), code_of(error))
    if isinstance(error, exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(error)  # with a stranger nothing was spoken
    if isinstance(error, exceptions.BotoCoreError):
        unheard = (
            exceptions.HTTPClientError,
            exceptions.ConnectTimeoutError,
            exceptions.IncompleteReadError,
            exceptions.ChecksumError,
        )
        return isinstance(error, unheard)  # the rest was found wrong before anything was sent
    return True


def is_refused(error: BaseException) -> bool:
    """Whether no connection could be made at all: nobody listens, or the name is not known."""
    from botocore import exceptions

    return isinstance(error, exceptions.EndpointConnectionError)


def explain(
    doing: str, noun: str, name: str, error: BaseException, endpoint: str | None, *, definite: bool | None = None
) -> ProviderError:
    """Any failure of a call as one line for the user. `definite`: None leaves what the error itself says."""
    head = f"{doing} {noun} ({name})"
    if isinstance(error, ProviderError):
        sure = error.definite if definite is None else definite
        text = str(error) if str(error).startswith(head) else f"{head}: {error}"
    else:
        sure = True if definite is None else definite
        text = f"{head}: {reason(error, endpoint)}"
    if not sure:
        text += "; whether it was done is not known"
    code = code_of(error)
    return Refusal(text, code, definite=sure) if code else ProviderError(text, definite=sure)


def reason(error: BaseException, endpoint: str | None) -> str:
    """What went wrong, for the user; botocore's own kinds of error in words."""
    from botocore import exceptions

    if isinstance(error, exceptions.ClientError):
        request = error.response.get("ResponseMetadata", {}).get("RequestId", "none")
        return f"{code_of(error)}: {message_of(error)} (operation {error.operation_name}, request {request})"
    if isinstance(error, exceptions.EndpointConnectionError | exceptions.ConnectTimeoutError):
        return f"the endpoint does not answer: {endpoint or error}: {error}"
    if isinstance(error, exceptions.HTTPClientError):
        return (
            f"the endpoint does not answer: {endpoint or 'AWS'}: the connection broke before the answer came: {error}"
        )
    if isinstance(error, exceptions.ParamValidationError):
        return str(error)
    if isinstance(error, exceptions.BotoCoreError):
        credentials = re.search(r"Credential|Token|SSO|Login", type(error).__name__)
        what = "no usable AWS credentials" if credentials else "the AWS settings of this machine or program do not work"
        return f"{what}: {error}"
    return f"{type(error).__name__}: {error}"
