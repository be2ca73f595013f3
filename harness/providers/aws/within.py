"""A create without a name and without a search in; the thing that it is part of, and with which it goes, out.

When its answer is lost nobody can ask for it. But when the whole is gone, so is the part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_MARK: Final = "in:"  # no id of AWS's begins so

WITHIN: Final[Mapping[str, tuple[str, str]]] = {
    "aws:lb/listener:Listener": ("loadBalancerArn", "aws:lb/loadBalancer:LoadBalancer"),
    "aws:alb/listener:Listener": ("loadBalancerArn", "aws:lb/loadBalancer:LoadBalancer"),
    "aws:lb/listenerRule:ListenerRule": ("listenerArn", "aws:lb/listener:Listener"),
    "aws:alb/listenerRule:ListenerRule": ("listenerArn", "aws:lb/listener:Listener"),
    "aws:kinesis/streamConsumer:StreamConsumer": ("streamArn", "aws:kinesis/stream:Stream"),
    "aws:sns/topicSubscription:TopicSubscription": ("topic", "aws:sns/topic:Topic"),
}
"""Type of the part: its argument that names the whole, and the whole's type."""


def place_of(token: str, inputs: Mapping[str, Any]) -> str | None:
    """What stands for the id of such a create: where it would be."""
    argument, _ = WITHIN.get(token, ("", ""))
    whole = inputs.get(argument)
    return f"{_MARK}{whole}" if isinstance(whole, str) and whole else None


def whole_of(token: str, id_: str) -> tuple[str, str] | None:
    """Type and id of the whole, when the id is such a place."""
    if token not in WITHIN or not id_.startswith(_MARK):
        return None
    return WITHIN[token][1], id_.removeprefix(_MARK)
