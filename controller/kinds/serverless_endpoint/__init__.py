"""SageMaker serverless endpoints: the size is memory (CPU comes with it) and concurrency."""
