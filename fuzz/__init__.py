"""Fuzzing: what must hold of any octets that a stranger sends, and the machine that looks for some that break it."""
