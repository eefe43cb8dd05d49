"""Click classes of the house: commands whose help ends with examples, groups that load what they need."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from cavewall.invocation import Invocation, apply_colour
from cavewall.switches import Switch, switches
from registry.errors import UsageError

EXAMPLES = "Examples:"


def split_examples(text: str) -> tuple[str, list[str]]:
    """Return a docstring without its section of examples, and the examples line by line."""
    before, separator, after = text.partition(f"\n{EXAMPLES}\n")
    if not separator:
        return text.strip(), []
    return before.strip(), [line.strip() for line in after.splitlines() if line.strip()]


def _write_examples(formatter: click.HelpFormatter, examples: list[str]) -> None:
    if examples:
        with formatter.section("Examples"):
            for example in examples:  # verbatim: a command that is wrapped cannot be pasted
                formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def _write_options(ctx: click.Context, command: click.Command, formatter: click.HelpFormatter) -> None:
    own: list[tuple[str, str]] = []
    everywhere: list[tuple[str, str]] = []
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            is_shared = isinstance(parameter, Switch) or "--help" in parameter.opts
            (everywhere if is_shared else own).append(record)
    for title, records in (("Options", own), ("Everywhere", everywhere)):
        if records:
            with formatter.section(title):
                formatter.write_dl(records)


class Leaf(click.Command):
    """A command; the `Examples:` section of its docstring ends its help, line for line."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.help, self.examples = split_examples(inspect.cleandoc(self.help or ""))
        self.params = [*self.params, *switches()]

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command with its log lines and colours in place."""
        from cavewall.logs import logging_of

        invocation = ctx.ensure_object(Invocation)
        apply_colour(ctx, invocation)
        with logging_of(invocation):
            return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then those that every command has."""
        _write_options(ctx, self, formatter)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(formatter, self.examples)


class Noun(click.Group):
    """A group of commands about one kind of thing."""

    command_class = Leaf

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.help, self.examples = split_examples(inspect.cleandoc(self.help or ""))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(formatter, self.examples)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments begin with.

        Raises:
            UsageError: there is none of that name; the nearest ones are in the hint.
        """
        names = self.list_commands(ctx)
        if args[0] not in names and not args[0].startswith("-") and not ctx.resilient_parsing:
            close = difflib.get_close_matches(args[0], names)
            hint = f"did you mean {', '.join(close)} ?" if close else f"see: {ctx.command_path} --help"
            raise UsageError(f"'{ctx.command_path}' has no command '{args[0]}'", hint=hint)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write every command with its whole first line: a line that is cut explains nothing."""
        found = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, first_line(command)) for name, command in found if command is not None]
            )


def first_line(command: click.Command) -> str:
    """Return the line that describes a command in lists."""
    return (command.help or "").partition("\n")[0]


@dataclass(frozen=True)
class Entry:
    """Where a command lives, and the line that describes it before it is loaded."""

    module: str
    short_help: str


class LazyGroup(Noun):
    """A group that lists its commands without importing them."""

    def __init__(self, *arguments: Any, table: Mapping[str, Mapping[str, Entry]], **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self.params = [*self.params, *switches()]
        self.table = table
        self.entries = {name: entry for section in table.values() for name, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or None if there is none of that name."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = importlib.import_module(entry.module).command
        return command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the options."""
        self.format_commands(ctx, formatter)
        _write_options(ctx, self, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table, section by section."""
        for title, section in self.table.items():
            with formatter.section(title):
                formatter.write_dl([(name, entry.short_help) for name, entry in section.items()])
