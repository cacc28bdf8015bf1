"""What the messages of a call say: read from those that come, and written into those that leave.

Who calls whom, what crosses from leg to leg and in which form, what we say that we can do, why something ended, and
what is refused for its form alone. It must not know the calls and dialogs that messages belong to, nor send any.
"""
