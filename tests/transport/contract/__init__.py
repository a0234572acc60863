"""What a remote process is, whichever server runs it: one suite over three servers.

They are the fake one in this process, OpenSSH's sshd and Dropbear. Where they differ, a test says
what each of them does.
"""
