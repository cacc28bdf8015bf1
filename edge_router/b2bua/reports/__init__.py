"""What is told of a call: the events that observers hear of, and the record that they are given.

It is the words for it alone. It must not know who listens, nor how a call comes to what is told of it.
"""
