"""Recording calls and state, so that another configuration can be tried on them: `edge-router replay`.

What a line says, what has changed since the last, and files that never take more than their room. It must not know what
is done with a recording.
"""
