"""The client: a sans-IO session, what it knows and what it still has to send, and a blocking API over them."""
