"""Probes in a whole run: good and broken ones side by side, each told by name, and everything destroyed."""

from __future__ import annotations

import pytest
from cut import cut

SETTINGS = """\
[tags]
CostCenter = "42"

[[probe]]
kind = "s3-round-trip"
bucket = "${bucketName}"

[[probe]]
kind = "tags"
tags = { Project = "shop", Environment = "*", CostCenter = "42" }

[[probe]]
kind = "suffix"

[[probe]]
name = "tags of somebody else"
kind = "tags"
tags = { Project = "other" }
timeout = 5

[[probe]]
kind = "tcp"
host = "127.0.0.1"
port = "${port}"
timeout = 0.3

[[probe]]
kind = "tcp"
name = "reaches out"
host = "${word}.example.com"
port = 443
"""
SOURCE = """
pulumi.export("port", 1)
pulumi.export("word", pulumi.Output.secret("hunter" + "22"))
"""


def test_good_and_broken_probes_of_one_run(harness, shop, emulator, auditor) -> None:
    """Each fails by itself and none takes another along; a secret output shows in no evidence; nothing is left."""
    directory = shop(SOURCE)
    (directory / "harness.toml").write_text(SETTINGS)
    done = harness("run", str(directory), "--target", emulator.url, "--no-policy", "--json", "-")
    assert done.code == 1, done.err
    probes = {one["name"]: one for one in done.cell["probes"]}
    assert {name: (one["kind"], one["status"]) for name, one in probes.items()} == {
        "s3-round-trip bucketName": ("s3-round-trip", "passed"),
        "tags": ("tags", "passed"),
        "suffix": ("suffix", "passed"),
        "tags of somebody else": ("tags", "failed"),
        "tcp 127.0.0.1, port": ("tcp", "failed"),
        "reaches out": ("tcp", "errored"),
    }
    told = probes["tags of somebody else"]
    assert told["attempts"] > 1
    assert "2 of 2 resources: Bucket 'bucket' (shop-bucket-" in told["detail"]
    assert "lacks Project ('shop', wanted 'other')" in told["detail"]
    assert "shop/harness.toml:" in told["detail"]
    assert "named: 2" in probes["suffix"]["detail"]
    assert probes["reaches out"]["detail"].startswith("not sent: [secret].example.com:443 is not this machine")
    assert "hunter22" not in done.out + done.err
    assert done.cell["status"] == "FAILED"
    assert done.cell["resources"]["leaked"] == done.cell["resources"]["unverified"] == []
    assert auditor(done.cell["account"]).left() == []
    assert harness.processes() == []


FORKS = """
import multiprocessing, os, time
from harness.probes.registry import probe


@probe("forks", timeout=20)
def forks(ctx):
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,), daemon=True).start()
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    {then}
"""


@pytest.mark.parametrize(("then", "code"), cut([("os.kill(os.getpid(), 9)", 1), ("pass", 0)], 1))
def test_what_a_probe_forks_holds_nobody(harness, shop, emulator, auditor, then: str, code: int) -> None:
    """Neither the command, which would wait for its last word, nor the cell's lock; and it ends with the cell."""
    done = harness.finish(
        harness.start("run", str(shop(probes=FORKS.format(then=then))), "--target", emulator.url, "--json", "-"), 300
    )
    assert done.code == code, done.err
    assert harness.processes() == []
    assert auditor(done.cell["account"]).left() == []
    assert harness("leases", "--json", "-").document == []
