"""The HTTP interface, room by room.

Each module has `ROUTES`, and takes what it shares from the `Cloud`. A room must not know another one.
"""
