"""Options that other load generators have, and benchlab has not."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from benchlab.cli.options.foreign import FOREIGN, refuse_foreign
from benchlab.cli.run import run
from benchlab.errors import InputError

OPTIONS = {name for parameter in run.params for name in parameter.opts}
URL = "http://127.0.0.1:1/"


@pytest.mark.parametrize("name", FOREIGN)
def test_options_of_other_tools_are_none_of_benchlab(name: str) -> None:
    assert name not in OPTIONS
    for option, what in FOREIGN[name].values():
        assert option.split()[0] in OPTIONS
        assert what


@pytest.mark.parametrize(
    ("typed", "problem"),
    [
        ("-d 5s", "-d 5s would be the request body: write --duration 5s .* or --body 5s for"),
        ("-d5s", "write --duration 5s .* --body 5s"),
        ("-kd 1m30s", "write --duration 1m30s .* --body 1m30s"),
        ("-c 10 -d 30", "write --duration 30s .* --body 30 for that body"),
        ("-n 100", "there is no -n: write --requests 100 for the number of requests"),
        ("-n100", "write --requests 100 "),
        ("-kn 100", "write --requests 100 "),
        ("-z 30s", "write --duration 30s "),
        ("-q 50", "write --rate 50 "),
        ("-t 4", r"write --workers 4 .*\(wrk\), --duration 4 .* or --timeout 4 "),
        ("-m POST", "write --method for"),
        ("--vus 10", "write --connections 10 "),
        ("--vus=10", "write --connections 10 "),
        ("-u 10", "write --connections 10 for the number of users"),
        ("-H http://127.0.0.1:8000", "write the URL without -H"),
        ("-a me:SECRET", "write --user for name and password"),
        ("-rate 50", "-rate has one hyphen: write --rate"),
        ("-duration=5s", "write --duration=5s"),
        ("-qps 5", "there is no --qps: write --rate 5 "),
        ("-body file", "there is no -body: write --body @FILE"),
        ("-disable-keepalive", "write --no-keep-alive"),
        ("--report out -z 5s", "write --duration 5s"),
    ],
)
def test_option_of_another_tool_is_answered_with_the_right_one(typed: str, problem: str) -> None:
    with pytest.raises(InputError, match=problem) as refused:
        refuse_foreign(run, [*shlex.split(typed), URL])
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    "typed",
    [
        "--body 5s",
        "--body=5s",
        "--body -n",
        "-d '{}'",
        "-d x5s",
        "-u me:10",
        "-H 'A: b'",
        "-k -c 5 -r 10 -w 2 -X PUT",
        "--tag -t",
        "--json - -c 5",
        "-- -n 5",
        "-c",
        "--vu 5",
    ],
)
def test_options_of_benchlab_and_their_values_are_left_alone(typed: str) -> None:
    refuse_foreign(run, shlex.split(typed))


def test_nothing_ever_prompts() -> None:
    from benchlab.cli.main import COMMANDS, cli

    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        for parameter in command.params:
            assert not getattr(parameter, "prompt", None), f"{name} {parameter.name}"


def test_help_does_not_mention_options_of_other_tools() -> None:
    shown = run.get_help(click.Context(run))
    assert not re.search(r"(?<![\w-])--vus\b", shown)
