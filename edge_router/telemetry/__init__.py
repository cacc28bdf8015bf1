"""Those who watch: metrics and logs, made from the events of calls.

An observer only ever reads. It must not change a call, slow it down or keep it alive, and a fault in here
is no fault of the call's.
"""
