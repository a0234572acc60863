"""Schedulers as text: what to call, and what the answers mean. Nothing here runs anything."""
