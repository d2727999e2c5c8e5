"""The desk as a bare ASGI application."""

import asyncio
import json
import os
import re

from service import data

<% if application == "parcels" %>
STEPS = [(500, 390), (1_000, 490), (2_000, 690), (5_000, 890), (10_000, 1290), (31_500, 1990)]
<% else %>
STEPS = [(14, 120)] + [(14 + 7 * weeks, 120 + 45 * weeks) for weeks in range(1, 11)]
<% endif %>


async def rows(sql, *values):
    return [dict(row) for row in await asyncio.to_thread(data.rows, sql, *values)]


async def home(_):
    return 200, f"<h1>{os.environ['<%= site %>']}</h1>"


async def healthz(_):
    return 200, {"ok": True}


async def readyz(_):
    try:
        await rows("SELECT count(*) FROM <%= jobs %>")
        return 200, {"ok": True}
    except Exception as problem:
        return 503, {"ok": False, "why": str(problem)}


async def new_<%= item %>(body):
    wanted = json.loads(body)
    cents = next((cents for limit, cents in STEPS if wanted["<%= measure %>"] <= limit), None)
    if cents is None:
        return 400, {"error": "too heavy"}
    made = await rows(
        "INSERT INTO <%= items %> (<%= person %>, <%= measure %>, <%= price %>) VALUES (%s, %s, %s)"
        " RETURNING id, <%= person %>, <%= measure %>, <%= price %>",
        wanted["<%= person %>"],
        wanted["<%= measure %>"],
        cents,
    )
    return 201, made[0]


async def <%= item %>(_, number):
    found = await rows("SELECT id, <%= person %>, <%= measure %>, <%= price %> FROM <%= items %> WHERE id = %s", number)
    return (200, found[0]) if found else (404, None)


async def new_scan(body, number):
    changed = await rows("UPDATE <%= items %> SET scan = %s WHERE id = %s RETURNING id", body, number)
    return (201, {}) if changed else (404, None)


async def scan(_, number):
    found = await rows("SELECT scan FROM <%= items %> WHERE id = %s AND scan IS NOT NULL", number)
    return (200, bytes(found[0]["scan"])) if found else (404, None)


async def report(_):
    await asyncio.sleep(1.5)
    return 200, {**(await rows("SELECT count(*) AS <%= items %> FROM <%= items %>"))[0], "complete": True}


async def new_job(body):
    made = await rows("INSERT INTO <%= jobs %> (<%= item %>_id) VALUES (%s) RETURNING id, state", json.loads(body)["<%= item %>_id"])
    return 202, made[0]


async def job(_, number):
    found = await rows("SELECT id, state, <%= label %> FROM <%= jobs %> WHERE id = %s", number)
    return (200, found[0]) if found else (404, None)


ROUTES = {
    ("GET", "/"): home,
    ("GET", "/healthz"): healthz,
    ("GET", "/readyz"): readyz,
    ("POST", "/<%= items %>"): new_<%= item %>,
    ("GET", "/<%= items %>/(\\d+)"): <%= item %>,
    ("POST", "/<%= items %>/(\\d+)/<%= scan %>"): new_scan,
    ("GET", "/<%= items %>/(\\d+)/<%= scan %>"): scan,
    ("GET", "/<%= report %>"): report,
    ("POST", "/<%= jobs %>"): new_job,
    ("GET", "/<%= jobs %>/(\\d+)"): job,
}


async def answer(method, path, body):
    for (wanted, pattern), handler in ROUTES.items():
        match = re.fullmatch(pattern, path)
        if match and method == wanted:
            try:
                return await handler(body, *map(int, match.groups()))
            except (KeyError, ValueError) as problem:
                return 400, {"error": repr(problem)}
    return 404, None


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await asyncio.sleep(0.5)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    status, content = await answer(scope["method"], scope["path"], body)
    data = content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", str(len(data)).encode())]})
    await send({"type": "http.response.body", "body": data})
