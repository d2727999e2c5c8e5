"""Answers and prints what would do harm in a browser, a spreadsheet, a terminal or a Markdown page."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HARM = """</pre></details></script><script>alert(1)</script><img src=x onerror=alert(2)><svg/onload=alert(3)>
=1+1
=cmd|' /C calc'!A0
[click](javascript:alert(4)) ![x](https://evil.example/x.png) <iframe src="https://evil.example"></iframe>
```
</td></tr></table># Verdict: **passed** 100/100
::error file=app.py::owned
::set-output name=x::y
]]> &lt;!-- --> {{7*7}} {% raw %} [bold red]owned[/bold red] [/]
"""


class Harm(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("X-Harm", "<script>alert(5)</script>")
        self.end_headers()
        self.wfile.write(HARM.encode())


print(HARM, flush=True)
ThreadingHTTPServer(("0.0.0.0", 8080), Harm).serve_forever()
