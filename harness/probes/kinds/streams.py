"""`stream-round-trip`: a Kinesis stream in; that a record which is put there is read again, out."""

from __future__ import annotations

import secrets
import time
from typing import Any, Final, Self

from pydantic import Field, model_validator

from harness.probes.context import ProbeContext
from harness.probes.declaring import Keys, kind
from harness.probes.model import ProbeFailure
from harness.probes.under_key import not_under

LOOKS: Final = 5
PAUSE: Final = 0.25  # seconds; Kinesis answers five reads a second per shard


class StreamKeys(Keys):
    """`stream-round-trip`."""

    stream: str = Field(description="name of the stream")
    encrypted: bool = Field(default=True, description="false: its records need not be encrypted by KMS")
    key: str | None = Field(default=None, description="ARN of the key that encrypts them")

    @model_validator(mode="after")
    def _encrypted_by_it(self) -> Self:
        if self.key is not None and not self.encrypted:
            raise ValueError("`key` needs `encrypted`")
        return self


@kind("stream-round-trip", "stream")
def stream_round_trip(context: ProbeContext, keys: StreamKeys) -> str:
    """A record that is put into the stream is read from its shard, and the stream is active and encrypted."""
    kinesis: Any = context.client("kinesis")
    about = kinesis.describe_stream_summary(StreamName=keys.stream)["StreamDescriptionSummary"]
    if about["StreamStatus"] != "ACTIVE":
        raise ProbeFailure(f"the stream {keys.stream} is {about['StreamStatus']}")
    if keys.encrypted and about.get("EncryptionType") != "KMS":
        raise ProbeFailure(f"the stream {keys.stream} is not encrypted by KMS")
    wrong = not_under(context, about.get("KeyId"), keys.key) if keys.key else ""
    if wrong:
        raise ProbeFailure(f"the stream {keys.stream} {wrong}")
    data = f"harness-probe-{context.suffix}-{secrets.token_hex(8)}".encode()
    put = kinesis.put_record(StreamName=keys.stream, Data=data, PartitionKey=context.suffix)
    shard, number = put["ShardId"], put["SequenceNumber"]
    where = kinesis.get_shard_iterator(
        StreamName=keys.stream,
        ShardId=shard,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=number,
    )["ShardIterator"]
    for look in range(LOOKS):
        if look:
            time.sleep(PAUSE)
        answer = kinesis.get_records(ShardIterator=where, Limit=10)
        if any(record["Data"] == data for record in answer["Records"]):
            return f"record there and back through {shard}"
        where = answer.get("NextShardIterator") or where
    raise ProbeFailure(f"record {number} did not come back from {shard}")
