"""A bare loop over the twilio package's async client: `BASE_URL COUNT CONCURRENCY`; prints its CPU seconds.

No log, no memory, no promise: what remains of the cost of a send when all else is left out.
"""

import asyncio
import sys
import time

import aiohttp
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from tests.bench import workload


async def main(base_url: str, number: int, concurrency: int) -> float:
    """Create so many messages. Returns the CPU seconds that it took."""
    http = AsyncTwilioHttpClient(pool_connections=False)
    # Its own session has no bound on time; else it is the same.
    http.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
    client = Client(workload.ACCOUNT, workload.TOKEN, http_client=http)
    client.api.base_url = base_url
    numbers = iter(range(number))

    async def send() -> None:
        for place in numbers:
            await client.messages.create_async(to=workload.person(place), from_=workload.SENDER, body="Hello")

    before = time.process_time()
    await asyncio.gather(*(send() for _ in range(concurrency)))
    spent = time.process_time() - before
    await http.close()
    return spent


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))}\n")
