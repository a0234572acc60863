"""Ways to log in, each in a module of its own."""
