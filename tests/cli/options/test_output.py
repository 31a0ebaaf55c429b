"""``--json`` of every command."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from benchlab.cli.main import cli
from benchlab.cli.options.output import JsonCommand, json_option


@click.command(cls=JsonCommand)
@click.argument("run_id")
@click.option("--quick", is_flag=True)
@json_option("the results")
def command(run_id: str, quick: bool, json_file: str | None) -> None:
    click.echo(f"{run_id} {quick} {json_file}")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("latest", "latest False None"),
        ("latest --json", "latest False -"),
        ("latest --json -", "latest False -"),
        ("--json - latest", "latest False -"),
        ("latest --json out.json", "latest False out.json"),
        ("--json=out.json latest", "latest False out.json"),
        ("latest --json --quick", "latest True -"),
    ],
)
def test_the_last_word_json_means_standard_output(words: str, shown: str) -> None:
    done = CliRunner().invoke(command, words.split(), catch_exceptions=False)
    assert (done.exit_code, done.output) == (0, f"{shown}\n")


def test_argument_taken_for_the_file_is_named() -> None:
    done = CliRunner().invoke(command, ["--json", "latest"])
    assert done.exit_code == 2
    assert "--json has 'latest' for its file: write --json last, or --json -" in done.output


@pytest.mark.parametrize("name", ["calibrate", "history", "query", "run", "show"])
def test_json_has_one_form_in_all_commands(name: str) -> None:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    (option,) = [item for item in found.params if "--json" in item.opts]
    (ours,) = [item for item in command.params if "--json" in item.opts]
    assert isinstance(option, click.Option)
    assert isinstance(ours, click.Option)
    for fact in ("name", "opts", "metavar", "is_flag", "flag_value", "nargs"):
        assert getattr(option, fact) == getattr(ours, fact)
