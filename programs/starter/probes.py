"""What `up` made in, proof that it works out: a private bucket that stores, a queue that delivers, a named pet."""

# ruff: noqa: S101 - a probe says no by assert; the loader keeps asserts even under `python -O`

from harness.probes.registry import ProbeContext, ProbeFailure, probe


@probe("bucket is there and private")
def bucket_private(context: ProbeContext) -> dict[str, object]:
    """Every kind of public access is blocked."""
    bucket = context.outputs["bucketName"]
    s3 = context.client("s3")
    s3.head_bucket(Bucket=bucket)
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    open_ways = sorted(way for way, closed in blocked.items() if not closed)
    if open_ways or not blocked:
        raise ProbeFailure(f"bucket {bucket} can be made public", {"not blocked": open_ways})
    return {"bucket": bucket, "blocked": sorted(blocked)}


@probe("object comes back from the bucket")
def object_round_trip(context: ProbeContext) -> str:
    """What is put is what is got; the object is removed again."""
    bucket, key = context.outputs["bucketName"], f"probe-{context.suffix}.txt"
    body = context.outputs["petName"].encode()
    s3 = context.client("s3")
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    try:
        got = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    finally:
        s3.delete_object(Bucket=bucket, Key=key)
    assert got == body, f"{len(body)} bytes were put, {len(got)} others came back"
    return f"{len(got)} bytes there and back"


@probe("message comes back from the queue")
def message_round_trip(context: ProbeContext) -> str:
    """What is sent is received, and only once: it is deleted on receipt."""
    url, text = context.outputs["queueUrl"], context.outputs["petName"]
    sqs = context.client("sqs")
    sent = sqs.send_message(QueueUrl=url, MessageBody=text)["MessageId"]
    # Long polling asks all of the queue's hosts; a short poll may miss a message that is there.
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
    for message in received:
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    bodies = {message["MessageId"]: message["Body"] for message in received}
    assert bodies.get(sent) == text, f"message {sent} did not come back; received: {sorted(bodies)}"
    return f"message {sent} there and back"


@probe("pet name carries the suffix")
def pet_name(context: ProbeContext) -> str:
    """The random name was drawn, behind the program's prefix."""
    name = context.outputs["petName"]
    assert name.startswith(f"starter-pet-{context.suffix}-"), f"the pet is called {name}"
    return str(name)
