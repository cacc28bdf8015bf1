"""What one side of a call asks the other within it: re-INVITE, UPDATE, PRACK, INFO, MESSAGE, and the answers back.

Each request that goes on is an `Exchange`; `glare.py` says whether it may go now. It must not know how a call is set
up; the call in turn sees no more of it than an `Asked`.
"""
