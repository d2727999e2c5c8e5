"""The deploy target of the pipeline labs.

`serve` starts it. A pipeline's verbs come through sshd, `knock` and `door` to `verbs`, which work on `tenants`; `front`
passes requests to what is live; `admin` is the grader's door. A tenant's parts: `releases` (`archives` reads them),
`slots`, `processes`, `databases` (`migrate` is a program of its own) and `leases`.
"""
