"""Side-by-side measurements against Kamailio and Sippy B2BUA; not part of what is installed."""
