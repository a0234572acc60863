"""Settings: where they are kept, read with their file and line, and merged in layers."""
