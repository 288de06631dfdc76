"""The commands, one file each; heavy modules are imported inside them."""

from focus.runtime.commands._cli import (
    DONE,
    FAILED,
    WRONG_INPUT,
    CommandParser,
    command_parser,
    run_command,
    seed_number,
)

__all__ = ["DONE", "FAILED", "WRONG_INPUT", "CommandParser", "command_parser", "run_command", "seed_number"]
