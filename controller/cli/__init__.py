"""The command line: one module per verb, which reads arguments and prints, and nothing else."""
