"""`qxub ssh`: what ssh_config says, and adding to it. One file a command."""
