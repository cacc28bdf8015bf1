"""The call: its legs, and bridging, redirecting, referring, rejecting and failing over between them.

A call's set-up reads from top to bottom as one coroutine that is driven by hand, without an event loop.
It must not know who watches: it tells observers what happened and never imports telemetry or configuration.
"""
