"""The grader for hands-on DevOps labs."""

__version__ = "0.1.0"
