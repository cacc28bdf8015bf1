"""The state of a contact centre as a router sees it: queues, their lengths, waits and agents, and their age.

Reading it costs a dictionary look-up and never the network. It is usable on its own and must not import
`edge_router`: it does not know what is decided on the state that it keeps.
"""
