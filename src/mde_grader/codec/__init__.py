"""Between text and the model: the only place that reads and writes documents."""
