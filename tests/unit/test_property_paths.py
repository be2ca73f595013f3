"""Property paths are taken apart as the engine writes them."""

import pytest

from harness.providers import paths


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("tags", ("tags",)),
        ("a.b.c", ("a", "b", "c")),
        ('tags["a.b"]', ("tags", "a.b")),
        ('tags["a\\"b"].c', ("tags", 'a"b', "c")),
        ("rules[0].port", ("rules", "0", "port")),
        ("rules[*].port", ("rules", "*", "port")),
        ('["odd key"]', ("odd key",)),
        ("broken[", ("broken[",)),
        ("", ()),
    ],
)
def test_split(path, parts):
    """A path falls into its parts; a malformed one stays whole."""
    assert paths.split(path) == parts


def test_under():
    """A path lies under itself, under its parents and under a wildcard, and not under a name that it begins with."""
    assert paths.under("tags.a", ["x", "tags"])
    assert paths.under("tags", ["tags"])
    assert paths.under("rules[3].port", ["rules[*].port"])
    assert not paths.under("tagsAll", ["tags"])
    assert not paths.under("tags", ["tags.a"])


def test_root():
    """The root is the top-level property."""
    assert paths.root('tags["a.b"]') == "tags"
    assert paths.root("") == ""
