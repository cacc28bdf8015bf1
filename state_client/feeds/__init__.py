"""State that others have already: another gateway's, followed over its event stream.

What connects to such a source lives here. It must not know what the state is kept for, nor where the other one has it
from.
"""
