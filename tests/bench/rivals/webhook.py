"""The webhook as tutorials write it: FastAPI, Twilio's RequestValidator, aiokafka's `send_and_wait`.

Run by one uvicorn worker.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaProducer
from fastapi import FastAPI, HTTPException, Request, Response
from twilio.request_validator import RequestValidator

validator = RequestValidator(os.environ["BENCH_TOKEN"])
public_url = os.environ["BENCH_PUBLIC_URL"]


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One producer for the life of the application."""
    producer = AIOKafkaProducer(bootstrap_servers=os.environ["BENCH_BOOTSTRAP"], acks="all")
    await producer.start()
    app.state.producer = producer
    yield
    await producer.stop()


app = FastAPI(lifespan=lifespan)


@app.get("/readyz")
async def ready() -> dict[str, str]:
    return {"status": "ready"}


@app.post("/twilio/{tenant}/status", status_code=204)
async def status_callback(tenant: str, request: Request) -> Response:
    form = dict(await request.form())
    signature = request.headers.get("X-Twilio-Signature", "")
    if not validator.validate(public_url + request.url.path, form, signature):
        raise HTTPException(status_code=403, detail="invalid signature")
    value = json.dumps({"tenant": tenant, **form}).encode()
    await app.state.producer.send_and_wait("bench.rival.status", value, key=str(form["MessageSid"]).encode())
    return Response(status_code=204)
