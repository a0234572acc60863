"""The command line: the only rooms that know click, print, or exit."""
