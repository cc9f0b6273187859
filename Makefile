# What there is to do here. `make` alone lists it.

SIM   ?= both
WAVES ?= 0
SEED  ?=
BENCH ?= all
ROWS  ?= 16
COLS  ?= 16
# A board to build for: make bitstream BOARD=ulx3s-85f BUILD="--rows 4 --clock 80"
BOARD ?=
BUILD ?=
# One of the engines that are placed and routed, see bench/engines.py.
ONLY  ?=
# How long `make soak` starts new cases.
SECONDS ?= 600

# One of the formal proofs.
PROOF ?=
# MNIST: a folder named here or in CELOSIA_DATA, one next to the checkout, else `celosia` looks.
DATA  ?= $(or $(CELOSIA_DATA),$(wildcard ../shared/data/mnist))

PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help setup demo check test sim verilog bitstream report picture bench fuzz \
  netlist prove networks soak coverage supply mutate faults lint gen docs hour clean

help:  ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

setup:  ## everything to develop with: .venv, Icarus, a C++ compiler
	@scripts/setup.sh dev

demo:  ## train, quantize, compile and simulate MNIST, and compare every byte
	@scripts/setup.sh demo
	@.venv/bin/celosia mnist $(if $(DATA),--data "$(DATA)")

check: setup lint  ## lint, types, and all tests that start no simulator and no synthesis
	$(PYTHON) -m pytest -n 2 --dist worksteal -m "not simulator"

test: setup lint  ## all tests
	$(PYTHON) -m pytest -n 2 --dist worksteal --durations 15

sim: setup  ## cocotb benches; SIM=icarus|verilator|both BENCH= WAVES=1 SEED=
	$(PYTHON) -m tb.run --sim $(SIM) --bench $(BENCH) \
	  $(if $(filter-out 0,$(WAVES)),--waves) $(if $(SEED),--seed $(SEED))

verilog:  ## the engine's Verilog in build/verilog; ROWS= COLS=
	@scripts/setup.sh demo
	@.venv/bin/celosia verilog --rows $(ROWS) --cols $(COLS) -o build/verilog/$(ROWS)x$(COLS)

bitstream: setup  ## a board's bitstream in build/BOARD; BOARD= ROWS= COLS= BUILD=options
	@.venv/bin/celosia build $(or $(BOARD),--list) $(BUILD) \
	  $(if $(findstring command,$(origin ROWS)),--rows $(ROWS)) \
	  $(if $(findstring command,$(origin COLS)),--cols $(COLS))

report: setup  ## place and route the declared engines: hours, resumed; ONLY=name
	$(PYTHON) -m bench.report $(if $(ONLY),--only "$(ONLY)")

picture: setup  ## place an ECP5 engine anew and draw it, minutes; ONLY=name
	$(PYTHON) -m bench.picture $(if $(ONLY),--engine "$(ONLY)")

bench: setup  ## the project's figures, measured; JSON in build/bench.json
	$(PYTHON) -m bench.main $(if $(DATA),--data "$(DATA)") --json build/bench.json

fuzz: setup  ## 20,000 damaged files per model format; JSON in build/fuzz.json
	@mkdir -p build
	$(PYTHON) -m bench.fuzz --json build/fuzz.json

netlist: setup  ## boards of every family before and after synthesis, every engine in both forms
	CELOSIA_BOARDS=all $(PYTHON) -m pytest -n 2 --dist worksteal --durations 15 \
	  tests/hw/boards/test_netlist.py tests/hw/cells/test_packed.py \
	  tests/hw/cells/test_forms.py tests/sw/driver/serial/test_board.py \
	  tests/sw/driver/rtl/test_maps.py tests/sw/cli/test_serial_cnn.py

prove: setup  ## formal proofs of the hardware; PROOF=name; JSON in build/prove.json
	$(PYTHON) -m formal $(PROOF) --json build/prove.json

networks: setup  ## random CNNs in RTL on eight engine shapes, against LiteRT; JSON in build/networks.json
	@mkdir -p build
	$(PYTHON) -m bench.networks --json build/networks.json

soak: setup  ## random engines and networks in RTL, all compared; SECONDS= SEED=, JSON in build/soak.json
	@mkdir -p build
	$(PYTHON) -m bench.soak $(SECONDS) $(if $(SEED),--seed $(SEED)) --json build/soak.json

coverage: setup  ## lines and states of the RTL, branches of sw/celosia; JSON in build/coverage
	@mkdir -p build/coverage
	$(PYTHON) -m bench.coverage --json build/coverage/rtl.json
	rm -f build/coverage/python*
	.venv/bin/coverage run -m pytest -n 2 --dist worksteal
	.venv/bin/coverage combine --quiet
	.venv/bin/coverage json --quiet -o build/coverage/python.json
	.venv/bin/coverage report --fail-under 95

supply: setup  ## the lowest and the newest versions that pyproject.toml allows, tested
	$(PYTHON) -m scripts.supply lowest
	$(PYTHON) -m scripts.supply highest

mutate: setup  ## 4,000 mutants of the RTL of two engines each, resumed; JSON in build/mutate.json
	@mkdir -p build
	$(PYTHON) -m bench.mutate --json build/mutate.json

faults: setup  ## bits that flip in a running engine: masked, visible, silent; JSON in build/faults.json
	@mkdir -p build
	$(PYTHON) -m bench.mutate.faults --json build/faults.json

lint: setup  ## ruff: mistakes and format; mypy: types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

gen: setup  ## write the generated pages of docs/ and the C header anew
	$(PYTHON) -m scripts.gen

docs: setup  ## the documentation as a site, in build/site; a warning is an error
	NO_MKDOCS_2_WARNING=1 $(PYTHON) -m mkdocs build --strict --quiet
	@echo build/site/index.html

hour:  ## README.md followed in a fresh clone on a bare machine, every command; WITHOUT="make test"
	@python3 -m scripts.first_hour $(if $(WITHOUT),--without "$(WITHOUT)")

clean:  ## remove what was built; the cache and .venv stay
	rm -rf build dist .pytest_cache .ruff_cache
	find hw sw tb tests bench scripts -name __pycache__ -prune -exec rm -rf {} +
