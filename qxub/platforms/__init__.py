"""Platform definitions: the queues of a cluster and their limits."""
