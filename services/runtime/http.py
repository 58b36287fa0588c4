"""HTTP that every service has: the operations routes, and a server that says what is wrong with its port."""

import errno
from collections.abc import Callable, Sequence

from aiohttp import web
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Gauge,
    disable_created_metrics,
    generate_latest,
)

from services.runtime.connections import CONNECTION, guarded
from services.runtime.room import BoundedServer

# A second series beside each counter, which says when it began; `process_start_time_seconds` does.
disable_created_metrics()  # type: ignore[no-untyped-call]
READY = Gauge("switchboard_ready", "1: the service can work; 0: it cannot, and /readyz says why")
DEGRADED = Gauge("switchboard_degraded", "What is wrong while the service works all the same; /readyz says it")


class PortTaken(Exception):
    """Another process listens where we should; the text names the port and the setting to change."""


def _nothing() -> list[str]:
    return []


def operations(
    ready: Callable[[], list[str]],
    detail: Callable[[], dict[str, object]] = dict,
    degraded: Callable[[], list[str]] = _nothing,
    own: Sequence[CollectorRegistry] = (),
) -> web.Application:
    """`/healthz`, `/readyz` and `/metrics`: for a port that strangers do not reach, as the metrics name tenants.

    `ready` gives the reasons why the service cannot work now (none: it can), `degraded` what is wrong while it works
    all the same; `detail` is shown beside them. `own`: the registries of this service; a process has loaded those of
    the others as well, and they say nothing about it.
    `/healthz` answers 200 as long as the event loop turns: it must not fail for what a restart does not mend.
    """

    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def readyz(_: web.Request) -> web.Response:
        reasons, faults = ready(), degraded()
        status = "unready" if reasons else "degraded" if faults else "ready"
        body = {"status": status, "reasons": [*reasons, *faults], **detail()}
        return web.json_response(body, status=503 if reasons else 200)

    async def metrics(_: web.Request) -> web.Response:
        READY.set(not ready())
        DEGRADED.set(len(degraded()))
        body = b"".join(map(generate_latest, (REGISTRY, *own)))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    return app


class Server:
    """A listening server: `port` is the real one, also where 0 was asked for."""

    def __init__(self, runner: web.AppRunner | web.ServerRunner, host: str, port: int) -> None:
        self._runner = runner
        self.port = port
        name = f"[{host}]" if ":" in host else host
        self.url = f"http://{name}:{port}"

    async def close(self) -> None:
        """Stop listening, let requests under way finish, a few seconds at most, and close the rest."""
        await self._runner.cleanup()


async def serve(
    app: web.Application | BoundedServer, host: str, port: int, setting: str = "port", stop_s: float = 5.0
) -> Server:
    """Listen, without access log or signal handlers. `setting` is the port's key in the settings; `stop_s`: how long
    the end waits for requests under way.

    A `BoundedServer` is aiohttp without its router: twice as fast where there is next to nothing to route. It is
    to be made with `**CONNECTION`. Raises PortTaken.
    """
    runner: web.AppRunner | web.ServerRunner
    if isinstance(app, web.Application):
        runner = _AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=stop_s, **CONNECTION)
    else:
        runner = web.ServerRunner(app, handle_signals=False, shutdown_timeout=stop_s)
    await runner.setup()
    site = web.TCPSite(runner, host, port)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(
                f"port {port} on {host} is taken by another process; set {setting} to a free one"
            ) from error
        raise
    return Server(runner, host, runner.addresses[0][1])


class _AppRunner(web.AppRunner):
    """An application on connections of ours."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return BoundedServer(guarded(made.request_handler), request_factory=made.request_factory, **self._kwargs)
