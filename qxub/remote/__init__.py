"""From the laptop to the qxub on the cluster: the command line, its way there, the answer."""
