"""Rules that rewrite headers and SDP of a SIP message, in the syntax of CUBE's `voice class sip-profiles`.

Pure: a message and rules in, a message out. It is usable on its own and must not import `edge_router`. The
rules themselves are not built yet; this is their place.
"""
