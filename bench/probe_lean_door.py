"""A door to one function of a sandbox that does nothing but wait: for rates at which the real
door's own work would queue. Durations are drawn from the world's own truth.

    python bench/probe_lean_door.py

It prints its address, and serves until its input ends.
"""

import asyncio
import base64
import random
import sys

import numpy as np

from controller.sandbox.curve import PowerCurve
from controller.sandbox.noise import Noise

_REPORT = "REPORT RequestId: 1\tDuration: {ms:.2f} ms\tBilled Duration: {billed} ms\t"


class Door(asyncio.Protocol):
    """One connection; requests on it come one after the other."""

    def __init__(self, durations_ms: list[float], dice: random.Random) -> None:
        self._durations_ms, self._dice, self._seen = durations_ms, dice, b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it, to answer on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A whole request is answered when its time is up."""
        self._seen += data
        head, found, rest = self._seen.partition(b"\r\n\r\n")
        if not found:
            return
        at = head.lower().index(b"content-length:") + 15
        if len(rest) < int(head[at : at + 12].split(b"\r\n")[0]):
            return
        self._seen = b""
        ms = self._dice.choice(self._durations_ms)
        asyncio.get_running_loop().call_later(ms / 1000.0, self._answer, ms)

    def _answer(self, ms: float) -> None:
        report = _REPORT.format(ms=ms, billed=int(ms) + 1).encode()
        tail = base64.b64encode(report)
        assert self._transport is not None
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Amz-Log-Result: " + tail + b"\r\n\r\n{}"
        )


async def _serve(mean_ms: float, noise: Noise) -> None:
    shares = (np.arange(20_000) + 0.5) / 20_000
    durations_ms = [float(z) * mean_ms for z in noise.quantile(shares)]
    dice = random.Random(1)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Door(durations_ms, dice), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    a_ms, b, saturation_mb, memory_mb, cv = map(float, sys.argv[1:])
    curve = PowerCurve(a_ms, b, saturation_mb=saturation_mb)
    asyncio.run(_serve(curve.mean_ms(memory_mb), Noise(cv=cv)))
