"""The wire: AWS protocols in and out, driven by botocore's own service models."""
