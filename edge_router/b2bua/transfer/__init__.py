"""Who comes into a call in somebody's place: by REFER, by REFER with Replaces, and by INVITE with Replaces.

A transfer is a call of its own as long as it is under way. It must not know how requests come to it, and a call
knows no more of it than a `Handover`.
"""
