"""Who may call, how many at a time and how fast: sources of trunks, call counts and call rates.

Each answer is a dictionary look-up or an addition, since it is asked of every request. It must not know
what happens to a call that is let in, nor how one that is not is turned away.
"""
