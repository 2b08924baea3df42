# Two commands are all that a newcomer needs: `make run` and `make test`. The rest is for those who work on it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help run test check audit cluster test-cluster deploy-check node test-node image test-browser test-clients soak bench format lock clean

help:
	@echo "make run           the service, on the cluster of KUBECONFIG, or on its own sandbox"
	@echo "make test          the fast tests; they need no cluster"
	@echo "make check         linters, types, layers, and the HTTP library's own state"
	@echo "make cluster       a real control plane on this machine, until Ctrl-C (needs Go the first time)"
	@echo "make test-cluster  the contract tests on that control plane"
	@echo "make deploy-check  the Helm chart and the manifests, with the real helm, on that control plane"
	@echo "make node          a whole cluster with a real node in a box, until Ctrl-C (needs Linux, root, Go and apt)"
	@echo "make test-node     the tests on that node"
	@echo "make image         the container image, with docker, podman or buildah (BASE=local where no registry is)"
	@echo "make bench         the service beside kubectl proxy and the apiserver itself (needs wrk and Go)"
	@echo "make test-browser  the tests with a real Chromium (needs Debian's package chromium)"
	@echo "make test-clients  the tests with generated clients (needs Node, npm and the network)"
	@echo "make soak          the long form of the tests of load, faults and chance (an hour; needs Linux and root)"
	@echo "make audit         known vulnerabilities of what is locked (needs the network)"
	@echo "make format        let ruff lay out the code"
	@echo "make lock          write the lock files anew"
	@echo "make clean         remove what make made here"

# pip is asked only when the lock changed, so that the two commands stay quick. Everything comes from the lock
# file with its hash; the project itself is installed from this folder.
$(VENV)/.installed: requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; try: make PYTHON=python3.11 ..." \
		if sys.version_info < (3, 11) else 0)'
	@echo "installing into $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: $(VENV)/.installed
	@$(BIN)/python -m service --log-format console $(if $(KUBECONFIG),,--sandbox)

# Not the files with most tests first: the last one would be a long test alone, with one processor idle.
test: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --no-loadscope-reorder -m "not cluster and not node and not deploy and not browser and not clients"
	@echo "On a real control plane: make test-cluster (builds it from Go modules, the first time for some minutes)."

check: $(VENV)/.installed
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m tests.http_library

cluster: $(VENV)/.installed
	@$(BIN)/python -m tests.cluster

test-cluster: $(VENV)/.installed
	@$(BIN)/python -m tests.cluster build
	@$(BIN)/python -m pytest -q -m cluster

deploy-check: $(VENV)/.installed
	@$(BIN)/python -m tests.cluster build
	@$(BIN)/python -m tests.deploy build
	@$(BIN)/python -m pytest -q -m deploy

node: $(VENV)/.installed
	@$(BIN)/python -m tests.cluster.node

test-node: $(VENV)/.installed
	@$(BIN)/python -m tests.cluster.node build
	@$(BIN)/python -m tests.deploy build
	@$(BIN)/python -m tests.image --base local
	@$(BIN)/python -m pytest -q -m node

# BASE is another base image; BASE=local makes one of Debian's packages (needs root, buildah and debootstrap).
image: $(VENV)/.installed
	@$(BIN)/python -m tests.image $(if $(BASE),--base $(BASE))

test-browser: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -m browser

test-clients: $(VENV)/.installed
	@$(BIN)/python -m pytest -q -m clients

soak: $(VENV)/.installed
	@$(BIN)/python -m tests.cluster build
	@$(BIN)/python -m tests.cluster.node build
	@$(BIN)/python -m pytest -q -m soak --soak

bench: $(VENV)/.installed
	@$(BIN)/python -m tests.bench $(BENCH)

# --strict: what cannot be looked up fails, rather than pass unseen.
audit: $(VENV)/.installed
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements-dev.lock

format: $(VENV)/.installed
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

LOCK := $(BIN)/pip-compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host --upgrade

lock: $(VENV)/.installed
	@CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) --output-file requirements.lock pyproject.toml
	@CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) --build-deps-for wheel --only-build-deps \
		--output-file requirements-build.lock pyproject.toml
	@CUSTOM_COMPILE_COMMAND="make lock" $(LOCK) --extra dev --output-file requirements-dev.lock pyproject.toml

clean:
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist *.egg-info \
		examples/python-client/job_api_client examples/typescript/generated examples/typescript/node_modules
