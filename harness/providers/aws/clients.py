"""Settings of one provider instance in, botocore clients out: one per service and region, safe for threads."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from harness.providers.aws import attempts
from harness.providers.aws.failures import reason
from harness.providers.contract import ProviderError

_POOL: Final = 64  # connections per service: the engine runs up to 64 operations at once
_ATTEMPTS_AWS: Final = 8  # as the SDKs of infrastructure tools: throttling of a busy account passes
_ATTEMPTS_EMULATOR: Final = 3  # an emulator does not throttle; one that is down should be told soon
_CONNECT: Final = 5  # seconds until a connection must stand
_READ: Final = 60  # seconds without a byte of the answer; botocore's own default
_LEVELS: Final = threading.Lock()
_SHARED: dict[str, Any] = {}


@dataclass(frozen=True)
class Access:
    """Where the calls go and as whom."""

    region: str
    endpoint: str | None = None
    endpoints: Mapping[str, str] = field(default_factory=dict)
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    profile: str | None = None
    path_style: bool = False
    attempts: int | None = None
    retry_mode: str = "standard"
    insecure: bool = False
    ca_bundle: str | None = None
    fips: bool = False
    dualstack: bool = False
    user_agent: str = ""
    assume_role: Mapping[str, Any] = field(default_factory=dict)
    elsewhere: bool = False  # the credentials are the program's own


class Clients:
    """Makes clients when they are first asked for. One lock: botocore's session is not safe for threads."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}
        self._account: str | None = None
        self._credentials: dict[str, str] = {}

    def client(self, service: str, region: str | None = None) -> Any:
        """The client of a service, in the instance's region unless another is named. Raises ProviderError."""
        key = (service, region or self.access.region)
        client = self._clients.get(key)
        if client is None:
            with self._lock:
                client = self._clients.get(key)
                if client is None:
                    client = self._clients[key] = self._made(*key)
        return client

    def _made(self, service: str, region: str) -> Any:
        """A client that reports its attempts. Raises ProviderError when the settings allow of none."""
        try:
            client = self._make(service, region)
        except Exception as error:
            raise ProviderError(f"no client for AWS {service} in {region}: {reason(error, None)}") from error
        attempts.heed(client)
        return client

    @property
    def account(self) -> str:
        """The account's number, asked once. Raises ProviderError."""
        if self._account is None:
            client = self.client("sts")
            try:
                self._account = str(client.get_caller_identity()["Account"])
            except Exception as error:
                said = reason(error, self.access.endpoint)
                raise ProviderError(f"the account could not be told: {said}") from error
        return self._account

    @property
    def partition(self) -> str:
        """`aws`, `aws-cn`, `aws-us-gov`, by the region's name."""
        for start, partition in (("cn-", "aws-cn"), ("us-gov-", "aws-us-gov"), ("us-iso-", "aws-iso")):
            if self.access.region.startswith(start):
                return partition
        return "aws"

    def _make(self, service: str, region: str) -> Any:
        import botocore.config

        access = self.access
        session = self._opened()
        endpoint = access.endpoints.get(service, access.endpoint)
        config = botocore.config.Config(
            max_pool_connections=_POOL,
            retries={
                "mode": "adaptive" if access.retry_mode == "adaptive" else "standard",
                "total_max_attempts": access.attempts or (_ATTEMPTS_EMULATOR if endpoint else _ATTEMPTS_AWS),
            },
            s3={"addressing_style": "path"} if endpoint or access.path_style else None,
            connect_timeout=_CONNECT,
            read_timeout=_READ,
            user_agent_extra=access.user_agent or None,
            use_fips_endpoint=access.fips or None,
            use_dualstack_endpoint=access.dualstack or None,
            parameter_validation=True,
            proxies={} if endpoint else None,  # an emulator is on this machine: never through a proxy
        )
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            config=config,
            verify=False if access.insecure else access.ca_bundle,
            **self._assumed(session, service),
        )

    def _opened(self) -> Any:
        if self._session is None:
            import botocore.session

            access = self.access
            session = botocore.session.Session(profile=access.profile) if access.profile else botocore.session.Session()
            with _LEVELS:  # one loader for all instances: it caches the service models that it has parsed
                loader = _SHARED.get("loader") or _SHARED.setdefault(
                    "loader", _lean(session.get_component("data_loader"))
                )
            session.register_component("data_loader", loader)
            if access.access_key:
                session.set_credentials(access.access_key, access.secret_key or "", access.token)
            self._session = session
        return self._session

    def _assumed(self, session: Any, service: str) -> dict[str, str]:
        """Credentials of the role to assume, for every service but the one that hands them out."""
        role = self.access.assume_role
        if not role or service == "sts":
            return {}
        if not self._credentials:
            sts = session.create_client("sts", region_name=self.access.region, endpoint_url=self.access.endpoint)
            attempts.heed(sts)  # whoever waits for it can give up, too
            answer = sts.assume_role(**role)["Credentials"]
            self._credentials = {
                "aws_access_key_id": answer["AccessKeyId"],
                "aws_secret_access_key": answer["SecretAccessKey"],
                "aws_session_token": answer["SessionToken"],
            }
        return self._credentials


def _lean(loader: Any) -> Any:
    """The loader, whose models come without their documentation: it is most of their text, and nobody here reads it."""
    whole = loader.load_service_model

    def load_service_model(*args: Any, **kwargs: Any) -> Any:
        model = whole(*args, **kwargs)
        shapes: Any = model.get("shapes") if isinstance(model, dict) else None
        for one in (*(shapes or {}).values(), *(model.get("operations") or {}).values()):
            one.pop("documentation", None)
            for member in (one.get("members") or {}).values():
                member.pop("documentation", None)
        return model

    loader.load_service_model = load_service_model
    return loader
