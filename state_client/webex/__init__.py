"""Webex Contact Center's own interfaces: OAuth, REST, search, subscriptions and webhooks.

What is read here becomes `state_client.rows`; nothing outside this room knows the cloud's own forms.
"""
