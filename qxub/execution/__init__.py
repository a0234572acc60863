"""On the machine where the scheduler is: job script, submission, and following to the end."""
