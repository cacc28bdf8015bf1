"""The call: its legs, and bridging, redirecting, referring, rejecting and failing over between them.

What comes in meets `router.py`, and `new_call.py` makes a call of an INVITE. How it is handled is in `set_up`, and what
it is then in `call`; `in_call` is what its sides ask each other, `transfer` how somebody else takes a place in it. They
stand on `routing`, which says where calls go, on `trunks`, which knows who is there, and all of them on what is said
(`messages`) and told (`reports`).
It must not know who watches: it tells observers what happened and never imports telemetry or configuration.
"""
