# Argument: the device's address.
import asyncio
import json
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ADDRESS = sys.argv[1]


async def main():
    count = 0
    async with connect(f"ws://{ADDRESS}/echo", max_size=None) as echo:
        for length in (0, 1, 125, 126, 65535, 65536):
            for data in (bytes(number % 256 for number in range(length)), "\u20ac" * (length // 3)):
                await echo.send(data)
                assert await echo.recv() == data, length
                count += 1
        # A fragmented message.
        await echo.send([b"abc", b"", b"def" * 100])
        assert await echo.recv() == b"abc" + b"def" * 100
        await (await echo.ping(b"1234"))
        # Many messages, sent without waiting for the answers.
        for number in range(50):
            await echo.send(str(number))
        assert [await echo.recv() for _ in range(50)] == [str(number) for number in range(50)]
        count += 51
    async with connect(f"ws://{ADDRESS}/echo") as echo:
        await echo.send(bytes(65537))
        try:
            await echo.recv()
            raise AssertionError("a message of more than 64 KB came back")
        except ConnectionClosed as closed:
            assert closed.rcvd.code == 1009, closed
    async with connect(f"ws://{ADDRESS}/live") as live:
        values = [json.loads(await live.recv()) for _ in range(3)]
        assert [value["samples"] for value in values] == sorted({value["samples"] for value in values})
    print(f"{count} messages of up to 64 KB came back, fragmented and without waiting, a ping, a close with 1009, live values")


asyncio.run(asyncio.wait_for(main(), 50))
