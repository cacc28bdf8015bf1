"""The wire: the only room that opens a socket for SIP.

It receives datagrams, says which listener and address they came by, and sends what it is given from the
listener it is told. It must not know what a message means; whoever is upstairs reads it.
"""
