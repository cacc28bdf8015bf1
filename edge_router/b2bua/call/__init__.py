"""A call that is there: its two legs, what goes from one to the other, its timers, and its ends.

`call.py` and `leg.py` are what the others stand around. It must not know how a call is set up, who would take whose
place in it, or what a datagram is: it is told of that by the few words of `switchboard.py` and `handover.py`.
"""
