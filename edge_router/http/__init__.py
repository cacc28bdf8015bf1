"""The router's HTTP face: whether it is alive, whether it takes calls, and its metrics.

It asks others and puts their answers into HTTP. It must not know how a call is decided or carried, and no
call ever waits for it.
"""
