"""Knowledge of technologies, one package a category; never of one lab."""
