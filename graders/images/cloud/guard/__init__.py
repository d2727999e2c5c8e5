"""The lab's cloud: moto's services behind a guard that says who may ask for what, and writes down who asked.

`serve` starts it, `gate` decides on each request, `calls` reads what a request asks for, `audit` keeps the record,
`answers` writes errors as the service's own protocol does, `mends` takes moto's known faults away.
"""
