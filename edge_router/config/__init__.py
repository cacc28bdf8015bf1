"""The configuration: its YAML, its models, every fault with file, line and column, and what is built of it.

A configuration never changes once it is loaded; a reload makes a new one. It must not know of a running
process or of calls in progress, and nothing but this room knows that the configuration is YAML.
"""
