"""Everything that runs in; what it is watched by, from the outside to the inside, out."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi_aws as aws
from cache import Cache
from events import Events
from parts.alarms import Measure, balancer_measures, database_measures, service_measures
from parts.balancer import Balancer
from parts.database import Database
from parts.network import Network
from parts.service import Service


@dataclass(frozen=True)
class Watched:
    """What runs."""

    network: Network
    balancer: Balancer
    service: Service
    database: Database
    cache: Cache
    events: Events


def measures(watched: Watched) -> list[Measure]:
    """From the outside to the inside."""
    balancer, service = watched.balancer, watched.service
    return [
        *balancer_measures(balancer.balancer.arn_suffix, balancer.targets.arn_suffix),
        *service_measures(service.cluster.name, service.service.name),
        *database_measures(watched.database.cluster.cluster_identifier),
        *_instances(watched.database),
        *_cache(watched.cache),
        *_stream(watched.events.stream),
        *_queues(watched.events),
        *_gateways(watched.network.nats),
    ]


def _instances(database: Database) -> list[Measure]:
    """`ServerlessDatabaseCapacity` at its most: the database cannot grow any more."""
    found = []
    for purpose, instance in (("writer", database.writer), *(("reader", reader) for reader in database.readers)):
        one = {"DBInstanceIdentifier": instance.identifier}
        what = f"Database: capacity of the {purpose}, ACU"
        found.append(
            Measure(
                f"db-{purpose}-acu", "AWS/RDS", "ServerlessDatabaseCapacity", one, database.sizing.most_acu * 0.95, what
            )
        )
        memory = f"Database: free memory of the {purpose}, bytes"
        found.append(
            Measure(f"db-{purpose}-memory", "AWS/RDS", "FreeableMemory", one, 128 * 1024**2, memory, below=True)
        )
    reader = {"DBInstanceIdentifier": database.readers[0].identifier}
    lag = "Database: milliseconds that the reader is behind"
    return [*found, Measure("db-lag", "AWS/RDS", "AuroraReplicaLag", reader, 1000, lag, "Maximum")]


def _cache(cache: Cache) -> list[Measure]:
    """Each node; ElastiCache numbers them from one."""
    found = []
    for number, cluster in enumerate(cache.members, start=1):
        node = {"CacheClusterId": cluster}
        called, spoken = f"redis-{number}", f"Redis {number}"
        found += [
            Measure(f"{called}-cpu", "AWS/ElastiCache", "EngineCPUUtilization", node, 80, f"{spoken}: processor"),
            Measure(
                f"{called}-memory",
                "AWS/ElastiCache",
                "DatabaseMemoryUsagePercentage",
                node,
                80,
                f"{spoken}: memory in use, per cent",
            ),
            Measure(f"{called}-evictions", "AWS/ElastiCache", "Evictions", node, 100, f"{spoken}: evictions", "Sum"),
        ]
    return found


def _stream(stream: aws.kinesis.Stream) -> list[Measure]:
    one = {"StreamName": stream.name}
    space = "AWS/Kinesis"
    return [
        Measure(
            "stream-age",
            space,
            "GetRecords.IteratorAgeMilliseconds",
            one,
            60000,
            "Stream: readers behind, ms",
            "Maximum",
        ),
        Measure("stream-writes", space, "WriteProvisionedThroughputExceeded", one, 0, "Stream: writes refused", "Sum"),
        Measure("stream-reads", space, "ReadProvisionedThroughputExceeded", one, 0, "Stream: reads refused", "Sum"),
    ]


def _queues(events: Events) -> list[Measure]:
    waiting = {"QueueName": events.queue.name}
    dead = {"QueueName": events.dead.name}
    space = "AWS/SQS"
    return [
        Measure("queue-age", space, "ApproximateAgeOfOldestMessage", waiting, 900, "Queue: oldest, seconds", "Maximum"),
        Measure("queue-dead", space, "ApproximateNumberOfMessagesVisible", dead, 0, "Queue: given up on", "Maximum"),
    ]


def _gateways(nats: Sequence[aws.ec2.NatGateway]) -> list[Measure]:
    return [
        Measure(
            f"nat-{number}-ports",
            "AWS/NATGateway",
            "ErrorPortAllocation",
            {"NatGatewayId": nat.id},
            0,
            f"NAT gateway {number}: connections refused for want of ports",
            "Sum",
        )
        for number, nat in enumerate(nats, start=1)
    ]
