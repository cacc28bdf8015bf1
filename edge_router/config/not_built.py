"""What a configuration may say one day, but this version can't do yet: refused by name, never ignored.

When a key is built it leaves this table and enters a model. A path is written as in the models: `*` is any name of a
map, `[]` any item of a list.
"""

from typing import Final

KEYS: Final[dict[str, frozenset[str]]] = {
    "": frozenset(
        {
            "media",
            "cdr",
            "trace",
            "reload",
            "sip_profiles",
        }
    ),
    "trunks.*": frozenset(
        {
            "media",
            "sip_profile",
        }
    ),
    "dial_peers[].incoming[]": frozenset({"uri"}),
}
"""Map → keys that it will have."""

VALUES: Final[dict[str, frozenset[str]]] = {}
"""Key → values that it will take."""
