"""SIP itself (RFC 3261 and its updates), sans-IO: messages, URIs, header values, transactions, dialogs, SDP.

What lives here gets bytes, messages and the time as arguments and hands back what is to be done. It must
not know of sockets, clocks or an event loop, nor of trunks, policies or calls: those are upstairs.
"""
