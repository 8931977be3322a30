"""The fences of tests/conftest.py hold: no test can reach AWS by accident."""

import os
import socket
import subprocess
import sys

import boto3
import pytest
from botocore.exceptions import ProxyConnectionError


def test_a_connection_beyond_loopback_fails_the_test() -> None:
    with socket.socket() as plain, pytest.raises(pytest.fail.Exception, match=r"192\.0\.2\.1"):
        plain.connect(("192.0.2.1", 443))


def test_looking_up_a_name_fails_the_test() -> None:
    with pytest.raises(pytest.fail.Exception, match="only loopback"):
        socket.create_connection(("example.invalid", 443), timeout=1)


def test_loopback_is_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()[:2], timeout=1).close()


def test_boto3_reaches_no_aws_and_no_profile() -> None:
    session = boto3.Session()
    assert session.available_profiles == []
    credentials = session.get_credentials()
    assert credentials is not None
    assert credentials.access_key == "AKIATESTTESTTESTTEST"
    client = session.client("sts", region_name="eu-west-1")
    with pytest.raises(ProxyConnectionError):
        client.get_caller_identity()


def test_child_processes_inherit_the_fences() -> None:
    code = (
        "import boto3, botocore.exceptions as e\n"
        "try: boto3.client('sts', region_name='eu-west-1').get_caller_identity()\n"
        "except e.ProxyConnectionError: print('fenced')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "fenced"
    assert os.environ["AWS_EC2_METADATA_DISABLED"] == "true"
