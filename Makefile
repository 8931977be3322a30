# Everything a person does with this checkout. `make` alone lists the targets.
# Python is found by tools/find-python; name another with `make PYTHON=python3.12 …`.

SHELL := /bin/sh
.DEFAULT_GOAL := help
export PYTHON
# The tests start a few hundred processes: what is compiled once stays compiled.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv/bin
IMAGE ?= rightsizer:dev
# All tests run in one process more than there are cores, for some of them mostly wait for other
# programs; `make test WORKERS=0` for one.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
WORKERS ?= $(shell echo $$(($(CORES) + 1)))
COMPILE := $(VENV)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# A .venv of another Python than the one asked for is made anew.
ifneq ($(PYTHON),)
ifneq ($(shell $(PYTHON) -VV 2>&1),$(shell $(VENV)/python -VV 2>&1))
OTHER := .other-python
endif
endif
.other-python:

# Two stamps: running the program needs half of what working on it does.
.venv/installed-run: requirements.lock requirements-build.lock pyproject.toml $(OTHER)
	@tools/make-venv requirements.lock requirements-build.lock
	@touch $@

.venv/installed-dev: requirements-dev.lock pyproject.toml $(OTHER)
	@tools/make-venv requirements-dev.lock
	@touch $@ .venv/installed-run

.PHONY: setup
setup: .venv/installed-dev ## Create .venv with everything that development needs

.PHONY: demo
demo: .venv/installed-run ## Watch the whole loop at work in an embedded AWS, in two minutes
	@$(VENV)/rightsizer demo $(ARGS)

# What takes minutes to install is checked by CI, which says so of itself.
.PHONY: test
test: setup lint $(if $(CI),checkov) ## Run every check and every test there is
	@PATH="$$(tools/monitoring):$$(tools/browser):$$(tools/containers):$$PATH" $(VENV)/pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

.PHONY: test-fast
test-fast: setup ## Run the tests that together take less than a minute
	@$(VENV)/pytest --numprocesses $(WORKERS) --dist worksteal --hypothesis-profile fast \
		-m "not slow and not end_to_end" $(ARGS)

.PHONY: lint
lint: setup ## Check style, types and the direction of imports
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/mypy
	@$(VENV)/lint-imports

.PHONY: format
format: setup ## Put the code into the house's form
	@$(VENV)/ruff check --fix
	@$(VENV)/ruff format

.PHONY: lock
lock: setup ## Write the lock files anew (ARGS=--upgrade for newer versions)
	$(COMPILE) $(ARGS) pyproject.toml --output-file requirements.lock
	$(COMPILE) $(ARGS) --group build --output-file requirements-build.lock
	$(COMPILE) $(ARGS) pyproject.toml --extra probe --extra sandbox \
		--output-file requirements-probe.lock --constraint requirements.lock
	$(COMPILE) $(ARGS) pyproject.toml --all-extras --group dev --output-file requirements-dev.lock \
		--constraint requirements.lock --constraint requirements-build.lock \
		--constraint requirements-probe.lock

.PHONY: docs
docs: setup ## Write what is generated anew: pages, schema, kustomize base, permissions
	$(VENV)/python -m controller.policy.published
	$(VENV)/python -m controller.telemetry.reference > docs/metrics.md
	$(VENV)/python -m controller.cli.reference > docs/cli.md
	$(VENV)/python tools/kubernetes-base
	$(VENV)/python tools/terraform-permissions

.PHONY: image
image: ## Build the container image with docker, podman or buildah (IMAGE=name:tag)
	@tools/build-image $(IMAGE) $(ARGS)

.PHONY: image-probe
image-probe: ## Build the image with the load generator beside the daemon
	@tools/build-image $(IMAGE)-probe --target probe $(ARGS)

.PHONY: sbom
sbom: setup ## Write what both images hold as CycloneDX, into dist/
	@mkdir -p dist
	@$(VENV)/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml \
		--output-reproducible --output-file dist/rightsizer.cdx.json
	@$(VENV)/cyclonedx-py requirements requirements-probe.lock --pyproject pyproject.toml \
		--output-reproducible --output-file dist/rightsizer-probe.cdx.json

.PHONY: checkov
checkov: ## Check image and deployments with checkov, in an environment of its own
	@tools/checkov

.PHONY: clean
clean: ## Delete .venv and everything else that can be made again
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
