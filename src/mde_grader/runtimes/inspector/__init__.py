"""The side container of a stack: `agent` runs inside it, `session` talks to it from outside."""
