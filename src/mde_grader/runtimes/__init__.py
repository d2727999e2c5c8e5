"""Where submissions are built and started: one Protocol, one module or package a runtime."""
