"""Webex Contact Center's own interfaces: OAuth, REST, search, subscriptions and webhooks.

All that knows the cloud's own forms lives here; what is read becomes `state_client.rows`. It must not know what the
state is kept for.
"""
