"""Trunks in traffic: which targets are there, who we are to them, and by which listener and transport they are reached.

What is asked of a trunk goes by an `Endpoint`, which is all that is seen of the router here. It must not know calls,
only that one is sent, answered, failed or over; nor by what a call is decided.
"""
