"""`${output}` in harness.toml: what it stands for, what it names, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from harness.probes import notation

OUTPUTS = {
    "url": "http://h",
    "port": 5432,
    "ready": True,
    "names": ["a", "b"],
    "service": {"host": "s", "ports": [1, 2]},
    "a.b": "dotted",
}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("${url}", "http://h"),
        ("${port}", 5432),
        ("${names}", ["a", "b"]),
        ("${names[1]}", "b"),
        ("${service.ports[0]}", 1),
        ('${["a.b"]}', "dotted"),
        ("${url}/health", "http://h/health"),
        ("${service.host}:${port} ${ready}", "s:5432 true"),
        ("$${url} costs $5", "${url} costs $5"),
        (["${url}", "plain", 3], ["http://h", "plain", 3]),
        ({"key": "${port}"}, {"key": 5432}),
        (7, 7),
    ],
)
def test_alone_it_is_the_output_inside_text_its_words(written: Any, meant: Any) -> None:
    """Lists and numbers stay what they are; paths go into them; `$${` is a plain `${`."""
    assert notation.resolved(written, OUTPUTS) == meant
    assert notation.misspelt(written) == ""


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("${url}/${names[0]}", {"url", "names"}),
        ({"a": ["${service.host}"]}, {"service"}),
        ('${["a.b"]}', {"a.b"}),
        ("$${url}", set()),
        ("plain", set()),
    ],
)
def test_the_outputs_that_a_value_names(written: Any, named: set[str]) -> None:
    """At any depth, and without the path that follows."""
    assert notation.names(written) == named
    assert notation.refers(written) == bool(named)


@pytest.mark.parametrize("written", ["${url", "a ${} b", "${ url }", "${a[}", ["fine", "${"]])
def test_a_slip_of_the_pen_is_told(written: Any) -> None:
    """A mark that is not closed or names nothing would otherwise be taken for plain text."""
    assert notation.misspelt(written)


@pytest.mark.parametrize(
    ("written", "error", "words"),
    [
        ("x ${names}", TypeError, "is a list"),
        ("x ${service}", TypeError, "is a table"),
        ("${names[9]}", KeyError, "has nothing at"),
        ("${url.host}", KeyError, "has nothing at"),
    ],
)
def test_what_cannot_be_put_there_is_told(written: str, error: type[Exception], words: str) -> None:
    """A list inside text, a path that leads nowhere."""
    with pytest.raises(error, match=words):
        notation.resolved(written, OUTPUTS)


def test_a_value_as_a_person_would_call_it() -> None:
    """For default names."""
    assert notation.shown("${url}/health") == "url/health"
    assert notation.shown(["${a}", "b"]) == "a, b"
