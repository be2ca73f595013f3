"""`harness sweep` in, what it said out: for the tests of what it finds and ends."""


def swept(harness, *args: str, **environment: str):
    """`harness sweep --json -`: (exit code, document)."""
    done = harness("sweep", "--json", "-", *args, **environment)
    assert done.out, done.err
    assert done.document["exit_code"] == done.code
    return done.code, done.document


def named(document: dict) -> dict[str, tuple[str, str]]:
    """Action and outcome by run."""
    return {item["run"]: (item["action"], item["outcome"]) for item in document["items"]}
