# The two commands of a user. What developers run one by one stands in noxfile.py.
.DEFAULT_GOAL := help
.PHONY: help demo test setup clean

help: ## Show the commands
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

demo: ## Set up, then grade a right and a broken submission of lab-02
	@scripts/demo

test: ## Set up, then run every test that the project has
	@scripts/test

setup: ## Engine, Python environment and images; what is there already is left alone
	@scripts/setup

clean: ## Remove what was made here: environment, caches, reports
	@rm -rf .venv .cache .demo .nox .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage* build dist
