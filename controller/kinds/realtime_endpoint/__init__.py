"""SageMaker real-time endpoints: instances, and how their number follows the demand."""
