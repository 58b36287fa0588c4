"""Who was not believed waits for turns of the event loop, and nobody waits for all that one address has sent."""

import asyncio

from services.ingress.turns import REST_S, Turns


async def test_a_turn_is_for_one() -> None:
    turns = Turns(asyncio.get_running_loop())
    assert turns.at_once()
    assert not turns.at_once()
    await asyncio.sleep(0)
    assert turns.at_once()


async def test_addresses_take_turns_one_in_each_turn_of_the_loop() -> None:
    loop = asyncio.get_running_loop()
    turns, came, now = Turns(loop), [], 0

    async def come(address: str) -> None:
        await turns.wait(address)
        came.append((address, now))

    many = [asyncio.create_task(come("stranger")) for _ in range(50)]
    few = [asyncio.create_task(come(address)) for address in ("twilio", "other")]
    while len(came) < 52:
        now += 1
        await asyncio.sleep(0)
    await asyncio.gather(*many, *few)
    assert len({at for _, at in came}) == 52
    assert [address for address, _ in came[:4]] == ["stranger", "stranger", "twilio", "other"]


async def test_after_a_refusal_it_is_nobodys_turn_for_a_while() -> None:
    loop = asyncio.get_running_loop()
    turns, began = Turns(loop), loop.time()
    for _ in range(10):
        await turns.wait("stranger")
        turns.refused()
    assert loop.time() - began >= 9 * REST_S * 0.9
    # Who is believed costs the next one no time.
    await turns.wait("stranger")
    began = loop.time()
    for _ in range(10):
        await turns.wait("twilio")
    assert loop.time() - began < 9 * REST_S


async def test_who_has_gone_takes_no_turn() -> None:
    turns = Turns(asyncio.get_running_loop())
    first, gone, last = (asyncio.create_task(turns.wait(address)) for address in ("a", "b", "c"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait_for(asyncio.gather(first, last), 5)
