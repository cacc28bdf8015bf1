"""The decision: rules on a call and on the contact centre's state, and a `Decision` that says why.

Rules are CEL, compiled when the configuration is loaded, so that a call only fills in values. It must not
know how state comes to be here, how a decision is carried out, or what a dial-peer's name leads to.
"""
