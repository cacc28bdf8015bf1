"""The HTTP interface, room by room: each module has `ROUTES`, and takes what it shares from the `Cloud`."""
