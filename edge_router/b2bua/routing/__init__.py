"""Where a call goes: the configuration in force, its decision, the destinations in their order, and who is who.

Nothing is sent by asking. It must not know the call itself: a call gives what was read of its INVITE and gets places.
"""
