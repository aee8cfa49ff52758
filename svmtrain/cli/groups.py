"""Groups that import a command when it is named, and help that leads with examples."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from typing import Any

import click


class OutputClosed(Exception):
    """Whoever read standard output has gone."""


class _Examples(click.Command):
    """A command whose help shows examples before everything else."""

    def __init__(self, *args: Any, examples: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = examples.strip()

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then the description."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples.splitlines():
                    formatter.write(f"{' ' * formatter.current_indent}{line}\n")
        super().format_help_text(ctx, formatter)


class Command(_Examples):
    """A command with `examples=`."""


class LazyGroup(_Examples, click.Group):
    """A group with `examples=` and `commands_at=`: names to modules that hold a `command`.

    `synonyms=` are names of other programs, with the command that is meant by each.
    """

    def __init__(
        self,
        *args: Any,
        commands_at: Mapping[str, str] | None = None,
        synonyms: Mapping[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.synonyms = dict(synonyms or {})
        self.commands_at = dict(commands_at or {})

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the words, or print the help; see `invoke`."""
        try:
            return super().make_context(*args, **kwargs)
        except BrokenPipeError:
            raise OutputClosed from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader that went away is told apart before click hides it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise OutputClosed from None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a name that is near one, ask whether that was meant."""
        names = {name.lower(): name for name in self.list_commands(ctx)}
        if args and args[0] not in names.values() and not args[0].startswith("-"):
            word = args[0].lower()
            near = [self.synonyms.get(word, "")] if word in self.synonyms else []
            near += difflib.get_close_matches(word, names, n=1)
            meant = f" (did you mean {names[near[0]]!r}?)" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}{meant}", ctx)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return [*self.commands_at, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of a command."""
        if name not in self.commands_at:
            return super().get_command(ctx, name)
        command = importlib.import_module(self.commands_at[name]).command
        return command if isinstance(command, click.Command) else None
