#!/usr/bin/python3
"""Numbers, text, digests, compression, files, sockets and an event loop."""
import asyncio
import hashlib
import json
import math
import socket
import struct
import tempfile
import zlib
from decimal import Decimal, getcontext
from fractions import Fraction

print(json.dumps({"b": [1, 2.5, None], "a": "\u00e9\U0001f600"}, sort_keys=True))
print(repr(0.1 + 0.2), math.fsum([0.1] * 10), f"{math.sin(1e22):.12f}", float("1e-320"))
getcontext().prec = 40
print(Decimal(2).sqrt(), sum(Fraction(1, n) for n in range(1, 20)))
print(pow(3, 10**4, 10**30 + 57), len(str(7**5000)))
data = bytes(range(256)) * 400
print(hashlib.sha256(data).hexdigest(), hashlib.blake2b(data).hexdigest()[:32])
print(zlib.crc32(data), zlib.decompress(zlib.compress(data)) == data)
print(struct.pack("<hq", -2, 1 << 40).hex(), struct.pack(">d", math.pi).hex())
with tempfile.TemporaryFile() as file:
    file.write(data)
    file.seek(-3, 2)
    print(file.read())
left, right = socket.socketpair()
left.sendall(b"ping")
print(right.recv(4))
left.close()
right.close()


async def main():
    async def serve(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def ask(text):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(text.encode() + b"\n")
        answer = await reader.readline()
        writer.close()
        return answer.decode().strip()

    print(await asyncio.gather(*(ask(f"client {n}") for n in range(5))))


asyncio.run(main())
