"""A program that answers like Lambda's Invoke, as late as it is told, with no limit of load.

    python stub_endpoint.py LATENCY_MS [STALL_AT_S STALL_S] [--servers N]

It prints its port. All requests that come within the stall are answered after it. With
`--servers` it has so many places, and a queue before them, as a real endpoint does.
"""

import argparse
import asyncio
import base64
import json
import sys

REPORT = (
    "REPORT RequestId: 1\tDuration: {ms:.2f} ms\tBilled Duration: {ms:.0f} ms\t"
    "Memory Size: 512 MB\tMax Memory Used: 77 MB\t{init}"
)


class Endpoint:
    """How long answers take, from the first request on."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._first_s: float | None = None
        self._places = asyncio.Semaphore(options.servers) if options.servers else None
        self._calls = 0

    async def answer(self) -> tuple[str, bytes]:
        """Report line and body of one call."""
        now_s = asyncio.get_running_loop().time()
        self._first_s = now_s if self._first_s is None else self._first_s
        self._calls += 1
        init = "Init Duration: 300.00 ms\t" if self._calls == 1 else ""
        if self._places is None:
            await self._serve()
        else:
            async with self._places:
                await self._serve()
        ms = self._options.latency_ms
        return REPORT.format(ms=ms, init=init), json.dumps({"label": "cat"}).encode()

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        assert self._first_s is not None
        stalls_s = self._first_s + self._options.stall_at
        left_s = stalls_s + self._options.stall - loop.time()
        if loop.time() >= stalls_s and left_s > 0:
            await asyncio.sleep(left_s)
        await asyncio.sleep(self._options.latency_ms / 1000.0)


async def _talk(
    endpoint: Endpoint, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            sent = await reader.readexactly(length)
            report, body = await endpoint.answer()
            tail = base64.b64encode(report.encode()).decode()
            error = "X-Amz-Function-Error: Unhandled\r\n" if b'"fail"' in sent else ""
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{error}"
                f"X-Amz-Log-Result: {tail}\r\n\r\n".encode()
                + body
            )
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _main(options: argparse.Namespace) -> None:
    endpoint = Endpoint(options)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _talk(endpoint, reader, writer)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # Ends with whoever started it: then this input does.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("latency_ms", type=float)
    parser.add_argument("stall_at", type=float, nargs="?", default=0.0)
    parser.add_argument("stall", type=float, nargs="?", default=0.0)
    parser.add_argument("--servers", type=int, default=0)
    asyncio.run(_main(parser.parse_args()))
