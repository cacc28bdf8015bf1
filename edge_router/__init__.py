"""A SIP edge router: a back-to-back user agent that decides each call on the state of a contact centre.

The rooms of this package import downwards only: `sip` is the ground, on it stand `net`, `dialplan`,
`policy` and `admission`, on those `b2bua`, then `telemetry`, `http` and `config`, and on top `app` and
`cli`. `docs/architecture.md` shows a call's way through them.
"""

__version__ = "0.1.0"
