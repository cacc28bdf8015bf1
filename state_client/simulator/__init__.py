"""A simulated Webex Contact Center: calls and agents by a seeded script, and the HTTP face that the cloud has.

It is shipped, since whoever writes routing policies needs something to try them against. `World` is sans-IO and runs on
whatever clock it is given; `Simulator` puts it behind HTTP. Start one with ``python -m state_client.simulator``. It
must not know the client that it is asked by: both know the cloud's interface alone.
"""
