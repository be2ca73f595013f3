"""Outputs that probes name are looked for before `up`: what is found in a table, in source, and what is refused."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from probe_tables import declared

from harness.errors import ExitCode, ProgramError
from harness.probes.registry import check_outputs, load_probes, references

HEAD = "from contextlib import suppress\nfrom harness.probes.registry import probe\n"


def of_source(directory: Path, source: str) -> frozenset[str]:
    """What the one probe of this source refers to."""
    (directory / "probes.py").write_text(HEAD + textwrap.dedent(source), encoding="utf-8")
    [only] = load_probes(directory)
    return references(only)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("return context.outputs['a']", {"a"}),
        ("x = f(context.outputs['a'], y=[context.outputs['b']])", {"a", "b"}),
        ("outputs = context.outputs\n    return outputs['a']", {"a"}),
        ("s3, o = context.client('s3'), context.outputs\n    assert o['a'] == 1, o['b']", {"a"}),
        ("for n in context.outputs['a']:\n        context.outputs['b']", {"a"}),
        (
            "if context.outputs['a']:\n        raise ValueError(context.outputs['b'])\n    context.outputs['c']",
            {"a", "c"},
        ),
        ("if context.region:\n        return None\n    context.outputs['a']", set()),
        ("return context.outputs['a'] if context.region else context.outputs['b']", set()),
        ("return context.region and context.outputs['a']", set()),
        ("if 'a' in context.outputs:\n        pass\n    context.outputs['a'] and 1", set()),
        ("context.outputs.get('a')\n    context.outputs['a']", set()),
        ("try:\n        context.outputs['a']\n    except KeyError:\n        pass", set()),
        ("with suppress(KeyError):\n        context.outputs['a']", set()),
        ("with open(context.outputs['a']) as f:\n        context.outputs['b']", {"a", "b"}),
        ("later = lambda: context.outputs['a']", set()),
        ("return [context.outputs['b'] for x in context.outputs['a']]", {"a"}),
        ("outputs = context.outputs\n    outputs = {}\n    outputs['a']", set()),
        ("other = {}\n    other['a'] = context.outputs[context.region]", set()),
    ],
)
def test_of_a_function_only_what_is_certain(tmp_path: Path, body: str, found: set[str]) -> None:
    """A name that is missed is told later; one that is claimed wrongly would refuse a good program."""
    assert of_source(tmp_path, f"@probe\ndef p(context):\n    {body}\n") == found


def test_whatever_the_parameter_is_called_and_whatever_stands_around(tmp_path: Path) -> None:
    """The first parameter counts; further decorator lines do not hide the function."""
    assert of_source(tmp_path, "@probe(\n    'words', timeout=3,\n)\ndef p(c):\n    return c.outputs['a']\n") == {"a"}


def test_what_the_source_does_not_show_can_be_said(tmp_path: Path) -> None:
    """`@probe(outputs=(…,))` adds to what is found."""
    source = "def helper(context):\n    return context.outputs['a']\n"
    source += "@probe(outputs=('a',))\ndef p(context):\n    return helper(context), context.outputs['b']\n"
    assert of_source(tmp_path, source) == {"a", "b"}


def test_outputs_as_plain_text_are_refused(tmp_path: Path) -> None:
    """`outputs="a"` would be taken letter by letter."""
    with pytest.raises(ProgramError, match="outputs="):
        of_source(tmp_path, "@probe(outputs='bucketName')\ndef p(context): ...\n")


def test_an_unknown_output_is_refused_with_the_probe_the_name_and_the_near_match(tmp_path: Path) -> None:
    """Exit 2, before anything is made; each such use is named with file and line."""
    tables = '[[probe]]\nkind = "s3-round-trip"\nbucket = "${bucketNam}"\n'
    tables += '[[probe]]\nkind = "tcp"\nhost = "${h}"\nport = 1\n'
    probes = declared(tmp_path, tables)
    with pytest.raises(ProgramError) as refused:
        check_outputs(probes, ["bucketName", "queueUrl"])
    first, second = refused.value.message.split("; ")
    assert first == (
        f"{tmp_path / 'harness.toml'}:1: probe 's3-round-trip bucketNam' uses the output 'bucketNam', "
        "which the stack does not have"
    )
    assert "harness.toml:4" in second
    assert refused.value.hint == "did you mean 'bucketName'? its outputs: bucketName, queueUrl"
    assert refused.value.exit_code is ExitCode.USAGE


def test_known_outputs_pass(tmp_path: Path) -> None:
    """Whatever else the stack has."""
    probes = declared(tmp_path, '[[probe]]\nkind = "s3-round-trip"\nbucket = "${b.name}"\n')
    check_outputs(probes, {"b", "c"})
    check_outputs([], ())


def test_a_stack_without_outputs_is_told_so(tmp_path: Path) -> None:
    """Nothing is listed where there is nothing."""
    probes = declared(tmp_path, '[[probe]]\nkind = "s3-round-trip"\nbucket = "${b}"\n')
    with pytest.raises(ProgramError) as refused:
        check_outputs(probes, ())
    assert refused.value.hint == "its outputs: none"
