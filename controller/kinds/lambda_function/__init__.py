"""AWS Lambda functions: the size is the memory, and the CPU that comes with it."""
