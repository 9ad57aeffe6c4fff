# matsift. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STUDY ?= studies/na_electrolytes.toml
FIVE := $(patsubst %,studies/%.toml,na_electrolytes softbv_oxides space_groups charge_density wide_gap)
PAGES := $(CURDIR)/.matsift/pages
# What `make chaos` runs whole, with the long forms that `make test` leaves out.
FULL := $(addprefix tests/,flows/test_backups.py flows/test_backups_refused.py flows/test_logins.py flows/test_dask.py \
  flows/test_campaign_kills.py flows/test_interruptions.py \
  flows/test_space_groups.py::test_a_training_that_is_killed_goes_on_and_ends_with_the_same_networks platform_/test_dask_pool.py schema_/test_roles.py \
  schema_/test_roles_rights.py schema_/test_roles_server.py schema_/test_upgrades_with_data.py chaos/test_server_clock.py)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo demo-dft test pages installed images lint format bench bench-density bench-descriptors bench-diffraction bench-element-shift bench-fuzz bench-generative bench-ingest bench-networks bench-queries bench-scaling bench-search chaos soak audit bench-softbv bench-mobility bench-identify \
  repro-000 repro-001 repro-001-active repro-002 repro-003 repro-004 docs vendor constraints clean

help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

demo: $(VENV)/.installed ## the Na electrolytes study, from ingestion to ranking report, on an embedded PostgreSQL
	@$(BIN)/matsift run $(STUDY)

demo-dft: $(VENV)/.installed ## a small campaign with real density functional theory, by GPAW
	@/usr/bin/python3 -I -c "import gpaw" 2>/dev/null \
	  || { echo "make demo-dft needs GPAW in the system's Python; on Debian: apt-get install gpaw gpaw-data"; exit 1; }
	@$(BIN)/matsift run studies/dft_binaries.toml --set study.name=dft_demo --set campaign.rounds=2 --set campaign.batch=2 \
	  --set 'candidates.elements=["Mg"]'

test: export OMP_NUM_THREADS = 1# two processes share the cores already; threads of theirs would wait for each other
test: $(VENV)/.installed-dev ## the whole test suite, on a real PostgreSQL that it starts itself
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

chaos: $(VENV)/.installed-dev ## backups, upgrades, roles and kills in full, then twenty seeds of faults (an hour); CHAOS=7:8: seed 7 alone
	@test -n "$(CHAOS)" || $(BIN)/python -m pytest -n 2 --dist loadfile -m "not bench" $(FULL)
	MATSIFT_CHAOS=$(or $(CHAOS),0:20) $(BIN)/python -m pytest tests/chaos -n 0 -rA

soak: $(VENV)/.installed-dev ## an hour of scheduled ingestion, studies and analysts on one server: what grows, who waits
	$(BIN)/python -m benchmarks.soak

audit: $(VENV)/.installed-dev ## known vulnerabilities of what constraints.txt pins, by PyPI
	@$(BIN)/python -m pip_audit --version >/dev/null 2>&1 \
	  || { echo "make audit needs pip-audit: $(BIN)/pip install pip-audit"; exit 1; }
	$(BIN)/python -m pip_audit --strict --no-deps --disable-pip -r constraints.txt -s pypi

pages: $(VENV)/.installed-dev ## the five bundled studies (an hour), each page looked at in Chromium; pictures beside the pages
	@for study in $(FIVE); do MATSIFT_HOME=$(PAGES) $(BIN)/matsift run $$study || exit 1; done
	@MATSIFT_HOME=$(PAGES) $(BIN)/matsift report $(FIVE)
	@MATSIFT_PAGES=$(PAGES) $(BIN)/python -m pytest tests/reports/test_study_pages.py

installed: $(VENV)/.installed-dev ## the wheel in an environment of its own, as the images have it (minutes), and every command of it
	rm -rf .matsift/installed && sh docker/install .matsift/installed
	@MATSIFT_INSTALLED=$(CURDIR)/.matsift/installed $(BIN)/python -m pytest tests/deploy/test_installed.py

images: $(VENV)/.installed-dev ## the images of docker/, built, started together and asked to work (needs Docker with Compose 2; a quarter of an hour)
	docker build --file docker/Dockerfile --target worker --tag matsift-worker .
	docker build --file docker/Dockerfile --target migrate --tag matsift-migrate .
	$(BIN)/python -m pytest -m full tests/deploy/test_images.py

lint: $(VENV)/.installed-dev ## ruff, mypy --strict, the layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.installed-dev ## benchmarks and long checks (minutes); real data in MATSIFT_DATA where they need it
	$(BIN)/python -m pytest -m bench -n 0

bench-ingest: $(VENV)/.installed-dev ## CIFs into the database: rates, stages, bad CIFs, bulk load beside COPY and ASE
	$(BIN)/python -m benchmarks.ingest

bench-density: $(VENV)/.installed-dev ## promolecules, networks on unique values; peak memory and waiting of training on 5,000 densities
	$(BIN)/python -m benchmarks.density

bench-descriptors: $(VENV)/.installed-dev ## descriptors beside matminer (hours of matminer, kept): numbers, rates, database
	$(BIN)/python -m benchmarks.descriptors

bench-diffraction: $(VENV)/.installed-dev ## ideal powder profiles beside pymatgen's: the same reflections and numbers, both rates
	$(BIN)/python -m benchmarks.diffraction

bench-element-shift: $(VENV)/.installed-dev ## intervals of compounds whose element was left out, by three calibrations, on published moduli
	$(BIN)/python -m benchmarks.element_shift

bench-fuzz: $(VENV)/.installed-dev ## broken and hostile input for every parser (hours): no crash, no hang
	$(BIN)/python -m benchmarks.fuzz

bench-generative: $(VENV)/.installed-dev ## distances, templates, validity and fits of generative design beside other codes
	$(BIN)/python -m benchmarks.generative

bench-networks: $(VENV)/.installed-dev ## a training step of the networks of space groups: fused layers beside torch's own
	$(BIN)/python -m benchmarks.networks

bench-queries: $(VENV)/.installed-dev ## the queries of docs/sql.md on a million structures (half an hour to fill, kept)
	$(BIN)/python -m benchmarks.queries

bench-scaling: $(VENV)/.installed-dev ## featurization by processes of this machine and by one and two Dask workers
	$(BIN)/python -m benchmarks.scaling

bench-search: $(VENV)/.installed-dev ## phases of simulated patterns among 100,000 profiles: time, hits, weights; kept patterns
	$(BIN)/python -m benchmarks.profile_search

bench-softbv: $(VENV)/.installed-dev ## the bond-valence force field: its calibration, rates beside bvlain, relaxations a second
	$(BIN)/python -m benchmarks.bond_valence

bench-mobility: $(VENV)/.installed-dev ## percolation barriers beside bvlain's search and measured conductivities in MATSIFT_DATA
	$(BIN)/python -m benchmarks.mobility.known
	$(BIN)/python -m benchmarks.mobility

repro-000: $(VENV)/.installed-dev ## paper 000: screening factors by regression, relaxed lattices; goes on where it stopped
	$(BIN)/python -m benchmarks.repro_000

repro-001: $(VENV)/.installed-dev ## reproduce paper 001 on real Materials Project data in MATSIFT_DATA (default ../shared/data)
	$(BIN)/python -m benchmarks.repro_001
	$(BIN)/python -m benchmarks.repro_001 --set elastic_2015 --set binary_2025 --seeds 5

repro-001-active: $(VENV)/.installed-dev ## replay exploration against random on real labels in MATSIFT_DATA; goes on where it stopped
	$(BIN)/python -m benchmarks.repro_001_active

repro-002: $(VENV)/.installed-dev ## paper 002: networks for space group and volume on data in MATSIFT_DATA; goes on where it stopped
	$(BIN)/python -m benchmarks.repro_002

repro-003: $(VENV)/.installed-dev ## paper 003: networks on charge densities for moduli, data in MATSIFT_DATA; goes on where it stopped
	$(BIN)/python -m benchmarks.repro_003

repro-004: $(VENV)/.installed-dev ## paper 004: active generative design of wide gaps, data in MATSIFT_DATA; goes on where it stopped
	$(BIN)/python -m benchmarks.repro_004

bench-identify: $(VENV)/.installed-dev ## measured patterns in MATSIFT_DATA: how often networks, search and both are right
	$(BIN)/python -m benchmarks.measured_patterns

docs: $(VENV)/.installed-dev ## write docs/schema.md and the JSON Schema of study files anew from the code
	$(BIN)/python -m matsift_schema.document
	$(BIN)/matsift study-schema > docs/study.schema.json

vendor: $(VENV)/.installed-dev ## fetch the scripts that pages carry inside them (3Dmol) anew, by the hashes that are noted
	$(BIN)/python -m matsift_adapters.vendored

constraints: $(VENV)/.installed-dev ## write constraints.txt anew from what is installed
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/+cpu$$//' | LC_ALL=C sort -f > constraints.txt

clean: ## stop the embedded PostgreSQL, remove the virtual environment and all data of this folder
	-@[ ! -x $(BIN)/matsift ] || $(BIN)/matsift db stop
	rm -rf $(VENV) .matsift build dist

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "matsift needs Python 3.11 or newer; name one: make PYTHON=python3.12 demo"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# $(1): extras. The install runs only when what is asked for has changed.
define install
	@echo "Installing into $(VENV) (the first time some minutes: it downloads PyTorch and its friends) ..."
	@$(BIN)/python -m pip install --quiet --use-pep517 --constraint constraints.txt --editable '.$(1)'
	@$(BIN)/python -m matsift.descriptors
	@$(BIN)/python -m matsift_adapters.sources
	@$(BIN)/python -m matsift_adapters.oracles
	@touch $@
endef

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(call install,)

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(call install,[dev])
	@touch $(VENV)/.installed
