# Every target does its own set-up: a virtual environment in .venv, packages at the versions of requirements.lock and,
# as root on Debian, the Debian packages that are missing. A second run finds it all there and costs nothing.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
SECONDS ?= 600

# What a wheel is packed of.
SOURCES := $(wildcard edge_router/*.py edge_router/*/*.py edge_router/*/*/*.py sip_profiles/*.py sipp_scenarios/*.xml state_client/*.py) \
           $(wildcard state_client/*/*.py state_client/*/*/*.py)

# dpkg and kamailio want the sbin directories, which a user's PATH often lacks.
SBIN := /usr/local/sbin:/usr/sbin:/sbin
export PATH := $(PATH):$(SBIN)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := requirements.lock
export PIP_BUILD_CONSTRAINT := requirements.lock

.DEFAULT_GOAL := help
.PHONY: help demo test interop churn storm leak properties fuzz lint format compiled test-compiled bench schema venv system compiler lock
.PHONY: clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 24

demo: system venv ## router, carrier, cloud and premise on loopback, and calls that flow between them
	@$(BIN)/edge-router demo $(ARGS)

test: system far-ends venv ## every test but the slow ones of "interop"; ARGS=tests/dialplan for some of them
	$(BIN)/pytest -n 3 --dist loadgroup -m 'not slow' $(ARGS)

interop: system far-ends venv ## every call with PJSUA2 and baresip as far ends, whichever kind calls, transport and media
	$(BIN)/pytest -n 2 --dist loadgroup tests/interop $(ARGS)

churn: venv ## 100,000 calls of every ending, and not one cycle that only the garbage collector would find
	CHURN=100000 $(BIN)/pytest tests/b2bua/test_endings.py -k cycle -n 2 $(ARGS)

storm: venv ## 100,000 calls over networks that lose, double and reorder, or whose connections break: both ends agree
	STORM=100000 $(BIN)/pytest tests/b2bua/test_agreement.py -n 2 $(ARGS)

leak: system venv ## 20 bursts of 1,000 calls by UDP and by TCP, quiet after each: nothing is left; takes a quarter of an hour
	LEAK=20 LEAK_CALLS=1000 $(BIN)/pytest tests/end_to_end/test_leak.py -rP $(ARGS)

properties: venv ## every property of hypothesis with examples that nobody has seen, ten times as many as "test" has
	$(BIN)/pytest -n 2 --dist loadgroup -m hypothesis --hypothesis-profile roaming $(ARGS)

fuzz: venv ## atheris on what reads strangers' octets; ARGS="message uri" for some targets, SECONDS=60 for each
	$(foreach target,$(or $(ARGS),message uri sdp framing router),\
		$(BIN)/python -m fuzz $(target) --seconds $(SECONDS) &&) :

lint: venv ## ruff, mypy --strict and the floors that imports must keep to
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-logo

format: venv ## lays the source out and sorts imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

compiled: $(VENV)-compiled/.installed ## the router compiled with mypyc, in an environment of its own

test-compiled: compiled system far-ends ## every test on what "compiled" made, away from the sources
	rm -rf build/elsewhere && mkdir -p build/elsewhere
	cp -r README.md bench docs examples fuzz pyproject.toml sipp_scenarios tests build/elsewhere
	cd build/elsewhere && ../../$(VENV)-compiled/bin/pytest -n 2 --dist loadgroup -m 'not slow' --ignore tests/test_ground.py $(ARGS)

bench: system kamailio compiled $(VENV)/.with-bench ## the router beside Kamailio and Sippy B2BUA: takes a quiet machine and its time
	$(BIN)/python -m bench $(ARGS)

schema: venv ## writes the configuration's JSON Schema into docs/
	$(BIN)/python -m edge_router.config.schema

venv: $(VENV)/.with-dev ## the virtual environment

system: ## the Debian packages that tests and demo need
	@$(call debian,sipp,sip-tester)

.PHONY: far-ends
far-ends: # what tests call and are called by, beside what pip installs for them
	@$(call debian,baresip,baresip-core)

compiler: # what a wheel is compiled with, and needed for nothing else
	@$(call debian,gcc,gcc libc6-dev)
	@$(if $(headers),:,$(if $(root),$(call install,python3-dev),$(error \
		Python.h is missing. Install it with: sudo apt-get install python3-dev)))

.PHONY: kamailio
kamailio: # the bench starts its own, so the service that comes with a new package is put to rest
	@$(call debian,kamailio,kamailio, && (systemctl disable --quiet --now kamailio 2>/dev/null || :))

lock: $(BIN)/pip ## resolves pyproject.toml anew and writes requirements.lock
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	PIP_CONSTRAINT= PIP_BUILD_CONSTRAINT= $(VENV)-lock/bin/pip install --quiet --upgrade hatchling setuptools '.[dev,bench]'
	{ echo '# Written by "make lock". What is installed is one of these versions, whatever pyproject.toml would allow.'; \
	  $(VENV)-lock/bin/pip freeze --all --exclude pip --exclude edge-router; } > requirements.lock
	rm -rf $(VENV)-lock

clean: ## removes the virtual environment and every cache
	rm -rf $(VENV) $(VENV)-lock $(VENV)-compiled .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .fuzz build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp per extra of pyproject.toml: what it names is installed, and as new as the lock.
$(VENV)/.with-%: pyproject.toml requirements.lock edge_router/__init__.py | $(BIN)/pip
	@echo 'setting up $(VENV) for $* ...'
	@$(BIN)/pip install --quiet --editable '.[$*]'
	@touch $@

# Compiled anew when a source has changed. The version stays, so pip has to forget what it has of it.
$(VENV)-compiled/.installed: pyproject.toml requirements.lock hatch_build.py README.md LICENSE $(SOURCES) \
		| compiler $(VENV)-compiled/bin/pip
	@echo 'compiling into $(VENV)-compiled ...'
	@rm -rf build/wheel
	@HATCH_BUILD_HOOKS_ENABLE=1 $(VENV)-compiled/bin/pip wheel --quiet --no-deps --wheel-dir build/wheel .
	@$(VENV)-compiled/bin/pip uninstall --quiet --yes edge-router
	@$(VENV)-compiled/bin/pip install --quiet "$$(echo build/wheel/*.whl)[test,interop]"
	@cd build && ../$(VENV)-compiled/bin/python -P -c 'import edge_router.app'  # what can't be loaded isn't installed
	@touch $@

# pip is the last thing that venv makes: where it is, the environment is whole.
$(VENV)/bin/pip $(VENV)-compiled/bin/pip:
	@$(call python)
	@$(PYTHON) -m venv $(@:/bin/pip=)

# $(call debian,PROGRAM,PACKAGE,AND THEN): the package, unless the program is there. Who isn't root gets one line and no
# more, which is why these are make's own conditions and not the shell's: an $(error) stops before anything runs.
debian = $(if $(call found,$(1)),:,$(if $(root),$(call install,$(2))$(3),$(error \
	$(1) is missing. Install it with: sudo apt-get install $(2))))

python = $(if $(call says,import sys; sys.exit(sys.version_info < (3, 11))),$(if $(call says,import ensurepip),:,\
	$(if $(root),$(call install,python3-venv),$(error python3-venv is missing. Install it with: sudo apt-get install \
	python3-venv))),$(error $(PYTHON) is missing or older than 3.11. Name a newer one with: make PYTHON=python3.11))

install = echo 'installing the Debian package $(1) ...' && apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	apt-get install -qq --yes --no-install-recommends $(1) >/dev/null
found = $(shell PATH='$(PATH)' command -v $(1))
says  = $(shell PATH='$(PATH)' $(PYTHON) -c '$(1)' 2>/dev/null && echo yes)
headers = $(wildcard $(shell $(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h)
root  = $(filter 0,$(shell id -u))
