"""Settings in; one key for data, one for logs, one for messages, out."""

import pulumi
from parts.encryption import Encryption
from parts.settings import Settings


class Keys(pulumi.ComponentResource):
    """Apart from each other, so that who may read logs may not read data for that."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__("platform:index:Keys", name)
        self._all = [
            Encryption(f"{name}-{purpose}", settings, purpose=purpose, what=what, services=services)
            for purpose, what, services in (
                ("data", "Database, cache, secrets and images", ()),
                ("logs", "Log groups", ()),
                ("messages", "Stream, queues and topics", ("cloudwatch", "sns")),
            )
        ]
        self.data, self.logs, self.messages = (each.key for each in self._all)
        self.register_outputs({})

    def export(self) -> None:
        """Export ARNs and aliases, as outputs of the stack."""
        for purpose, each in zip(("data", "logs", "messages"), self._all, strict=True):
            pulumi.export(f"{purpose}KeyArn", each.key.arn)
            pulumi.export(f"{purpose}KeyAlias", each.alias.name)
