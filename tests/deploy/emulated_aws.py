"""An AWS in this process, by the server of moto: what deployments ask of it can be asked for."""

import urllib.request
from typing import Any


class EmulatedAws:
    """moto's server on loopback; called with a service's name it gives boto3's client of it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def forget(self) -> None:
        """What is in it belongs to the process, and would be there for the next test."""
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def __call__(self, service: str) -> Any:
        import boto3

        return boto3.client(
            service, region_name="eu-west-1", endpoint_url=self.url,
            aws_access_key_id="test", aws_secret_access_key="test",
        )  # fmt: skip
