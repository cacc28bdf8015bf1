"""A call that is there: its two legs, their provisional answers and session timers, and the call's ends.

`call.py` and `leg.py` are what the others stand around. It must not know how a call is set up, what its sides ask each
other, or who would take whose place in it: of that it has the few words of `asked.py`, `handover.py`, `switchboard.py`.
"""
