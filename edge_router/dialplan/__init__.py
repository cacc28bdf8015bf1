"""Numbers and where they lead: number patterns, dial-peers, trunks, targets and the order to hunt in.

All of it is data and look-ups on data, in the words of Cisco CUBE. It must not know the state of a contact
centre, a call in progress or the wire; what the load and the health of a trunk are, it is told.
"""
