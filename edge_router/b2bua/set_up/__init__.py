"""How a call is set up: decided, redirected, REFERred or bridged, from one destination to the next.

Read `set_up.py` first: it is one coroutine that is driven by hand, without an event loop. It must not know how an
INVITE comes here, nor what becomes of a call once somebody has taken it.
"""
