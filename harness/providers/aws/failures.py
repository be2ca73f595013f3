"""AWS's refusals in, the text that a user reads out: what was being done, to what, AWS's own code and message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from harness.providers.aws.declare import Resource

_ABSENT: Final = re.compile(r"NotFound|NoSuch|NonExistent|DoesNotExist|not\.found")


class CancelledError(ProviderError):
    """The engine cancelled while we waited."""


class Refusal(ProviderError):  # noqa: N818 - it is what the target said, not a fault of ours
    """The target said no; `code` is AWS's own."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


def code_of(error: BaseException) -> str:
    """AWS's error code, or empty when the error is none of AWS's."""
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
    if _ABSENT.search(code) or code == "404":
        return True
    if resource is None:
        return False
    if code in resource.absent.split():
        return True
    return bool(resource.absent_message and re.search(resource.absent_message, message_of(error)))


def passes(error: BaseException, marks: str) -> bool:
    """Whether the error is one of those (`Code` or `Code:part of the message`, one per line) that pass."""
    code, message = code_of(error), message_of(error)
    for line in filter(None, (one.strip() for one in marks.splitlines())):
        wanted, _, part = line.partition(":")
        if code == wanted and part in message:
            return True
    return False


def explain(doing: str, noun: str, name: str, error: BaseException, endpoint: str | None) -> ProviderError:
    """Any failure of a call as one line for the user."""
    from botocore import exceptions

    head = f"{doing} {noun} ({name})"
    if isinstance(error, ProviderError):
        return error if str(error).startswith(head) else ProviderError(f"{head}: {error}")
    if isinstance(error, exceptions.ClientError):
        request = error.response.get("ResponseMetadata", {}).get("RequestId", "none")
        text = f"{head}: {code_of(error)}: {message_of(error)} (operation {error.operation_name}, request {request})"
        return Refusal(text, code_of(error))
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return ProviderError(f"{head}: no AWS credentials: {error}")
    if isinstance(error, exceptions.EndpointConnectionError | exceptions.ConnectTimeoutError):
        return ProviderError(f"{head}: the endpoint does not answer: {endpoint or error}: {error}")
    if isinstance(error, exceptions.ParamValidationError):
        return ProviderError(f"{head}: {error}")
    return ProviderError(f"{head}: {type(error).__name__}: {error}")
