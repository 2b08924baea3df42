"""What Prometheus scrapes."""

from aiohttp import web

from service.api import keys
from service.api.answers import STRING, Answer
from service.api.exposition import OPENMETRICS, TEXT
from service.api.operations import Operation, Parameters


async def get_metrics(request: web.Request, _: Parameters) -> web.Response:
    """Answer with every metric, as OpenMetrics where that is accepted, else as Prometheus' older text.

    It takes no token: a scraper seldom has one, and nothing in it is a caller's. It says how much is done here, so
    who is not to know that is to be kept from the port.
    """
    accepted = ",".join(request.headers.getall("Accept", []))
    form = OPENMETRICS if "application/openmetrics-text" in accepted else TEXT
    text = await request.app[keys.EXPOSITION].text(form)
    return web.Response(body=text, headers={"Content-Type": form, "Cache-Control": "no-store"})


operations = (
    Operation(
        "getMetrics",
        "GET",
        "/metrics",
        get_metrics,
        "Read the metrics",
        "Prometheus' text, or OpenMetrics where that is accepted.",
        (Answer(200, "Every metric.", {TEXT: STRING, OPENMETRICS: STRING}),),
    ),
)
