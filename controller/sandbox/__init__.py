"""An AWS that fits in a process: one world, three doors. See docs/sandbox.md."""
