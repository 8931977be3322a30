"""SageMaker in the sandbox: endpoints, their control plane, runtime, metrics and bills."""
