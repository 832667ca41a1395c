# Every target installs what it needs from the npm registry, by the lockfile, and runs on the project's own Node.
SHELL := /bin/sh
NODE = $(shell if [ -x node_modules/.bin/node ]; then echo node_modules/.bin/node; else echo node; fi)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Saves a process a third of its start: what Node has made of the sources, in a folder that nobody else can write.
export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.cache/node

# The patient's pages, the developers' and the documentation, as they are served, and what they are built of.
PAGES := web/patient/dist/site.json web/developers/dist/site.json web/docs/dist/site.json
PATIENT_SOURCES := $(shell find web/patient web/ui packages/log-verifier/src packages/merkle/src gen -type f -not -path '*/node_modules/*' -not -path 'web/*/dist*' -not -path '*/test/*')
DEVELOPERS_SOURCES := $(shell find web/developers web/ui packages/sandbox-people/src gen -type f -not -path '*/node_modules/*' -not -path 'web/*/dist*' -not -path '*/test/*')
DOCS_SOURCES := $(shell find web/docs web/ui docs gen/openapi -type f -not -path '*/node_modules/*' -not -path 'web/*/dist*' -not -path '*/test/*')

.PHONY: start start-mesh demo test chaos after-revocation upgrade check security release mesh-check mesh-lab generate bench mutants help

help: ## Lists the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/'

# An idle stream costs a quarter less memory, and a busy one nothing more (docs/performance.md, P13).
start start-mesh: export NODE_OPTIONS := --max-semi-space-size=16
# Fewer pools of freed memory: 30 MB less where the heap is bounded (P11).
start start-mesh: export MALLOC_ARENA_MAX := 2

start: node_modules/.served $(PAGES) ## Runs the whole exchange in one process
	@exec $(NODE) cli/src/main.ts start

start-mesh: node_modules/.served $(PAGES) ## Runs each service as a process of its own, over MongoDB and NATS
	@exec $(NODE) cli/src/main.ts start-mesh

demo: node_modules/.served $(PAGES) ## Tells the story against a server of its own; TARGET=mesh against a mesh
	@exec $(NODE) demo/src/main.ts

test: node_modules/.installed $(PAGES) ## Runs every test; ends in "N passed, N failed"
	@exec $(NODE) node_modules/vitest/vitest.mjs run

.PHONY: stalled
stalled: node_modules/.installed ## Runs FILES="test/export services/notices" while their processes stand still now and then, as on a machine that stalls (Linux)
	@exec $(NODE) scripts/stalled-tests.ts $(FILES)

chaos: node_modules/.installed ## Breaks a mesh under load 100 times, in an order that SEED decides; FAULTS=n, ONLY=name
	@exec $(NODE) test/chaos/main.ts

after-revocation: node_modules/.installed ## 100,000 reads that begin after a patient has ended them, in each way and of each kind; READS=n, TARGET=mesh (2,000)
	@exec $(NODE) test/after-revocation/main.ts

upgrade: node_modules/.installed ## Writes a data folder with the program of FROM=<commit>, and opens it with this one
	@exec $(NODE) test/upgrade/main.ts

check: node_modules/.installed ## Generated code, contracts, lint, format, types, architecture
	@exec $(NODE) scripts/check.ts

security: node_modules/.installed ## Looks for committed secrets, licences that may not be served, and slow regular expressions
	@exec $(NODE) security/run.ts

bench: node_modules/.installed ## Measures every line of docs/performance.md on this machine, in under 15 minutes
	@exec $(NODE) bench/src/main.ts

mesh-check: node_modules/.installed ## Proves the manifests with Istio's own validators; the first run builds them, for minutes
	@$(NODE) scripts/check-manifests.ts --mesh

mesh-lab: node_modules/.installed ## Runs the services behind Istio's own proxies and proves the policies, as root
	@exec $(NODE) test/mesh/main.ts

mutants: node_modules/.installed ## Plants small mistakes and tells which no test notices; ROOM=name, FILES="a b" (mutants/README.md)
	@exec $(NODE) mutants/run.ts

.PHONY: pages
pages: $(PAGES) ## Builds the patient's pages (web/patient), the developers' (web/developers) and the documentation (web/docs), which every start does where a source is newer

.PHONY: policy-proof
policy-proof: node_modules/.installed ## Proves that the default policies permit no more than before; WIDENS="why" where they do (builds Cedar once, half an hour)
	@exec $(NODE) scripts/policy-proof.ts

.PHONY: fhir-validator
fhir-validator: node_modules/.installed ## Has HAPI's validator judge planted faults and what the tests get as FHIR (Java and Maven; CI does it, too)
	@emitted=$$(mktemp -d) && trap 'rm -rf "$$emitted"' EXIT && export WELLAPI_FHIR_EMITTED="$$emitted" && \
		$(NODE) node_modules/vitest/vitest.mjs run test/fhir test/export services/fhir && touch "$$emitted/complete" && \
		WELLAPI_TRY_HAPI=1 $(NODE) node_modules/vitest/vitest.mjs run packages/fhir-r4/test/hapi.it.test.ts

.PHONY: fuzz
fuzz: node_modules/.installed ## Feeds changed inputs to every parser that reads bytes from outside; TARGET=name, MINUTES=10, SEED=n
	@exec $(NODE) security/fuzz/main.ts

generate: node_modules/.installed ## Regenerates gen/ from proto/ and proto-internal/, the list of services, the pages of codes and reasons, the mesh's policies, the schema of attribute policies, and FHIR's definitions
	@buf format -w proto && buf format -w proto-internal && buf generate && $(NODE) scripts/list-services.ts && $(NODE) scripts/mesh-policies.ts && $(NODE) scripts/codes-page.ts && $(NODE) scripts/reasons-page.ts && $(NODE) scripts/permissions-page.ts && $(NODE) scripts/policy-schema.ts && $(NODE) scripts/fhir-definitions.ts

release: node_modules/.installed ## Makes a release of what is committed: VERSION=1.1.0 (docs/versions.md)
	@$(NODE) scripts/release.ts

.PHONY: released-clients
released-clients: node_modules/.installed ## Tries the client libraries of each release, Java's as well, against this exchange (JDK and Maven)
	@WELLAPI_TRY_RELEASED_JAVA=1 WELLAPI_TRY_LANGUAGES=1 $(NODE) node_modules/vitest/vitest.mjs run test/released-clients.test.ts test/sdk-languages.it.test.ts

.PHONY: sdk-python
sdk-python: node_modules/.installed ## Builds the wheel of the client library for Python into sdk/python/dist
	@$(NODE) scripts/python-sdk.ts

.PHONY: sdk-java
sdk-java: node_modules/.installed ## Builds the jar of the client library for Java into sdk/java/dist and Maven's local repository
	@$(NODE) scripts/java-sdk.ts install

web/patient/dist/site.json: node_modules/.served $(PATIENT_SOURCES)
	@$(NODE) web/patient/build.ts

web/developers/dist/site.json: node_modules/.served $(DEVELOPERS_SOURCES)
	@$(NODE) web/developers/build.ts

web/docs/dist/site.json: node_modules/.served $(DOCS_SOURCES)
	@$(NODE) web/docs/build.ts

# What runs the exchange: less than half of what tests and checks need. A whole installation has it, too.
node_modules/.served: package-lock.json
	@[ ! node_modules/.installed -nt package-lock.json ] || { touch $@; exit 0; }; $(call install,what the exchange needs (350 MB on the disk),--omit=dev)
	@touch $@

node_modules/.installed: package-lock.json
	@$(call install,what the exchange and its tests and checks need (720 MB on the disk),)
	@touch $@ node_modules/.served

# Says that it installs (no comma in the text: make would take it for the next argument): npm is quiet, and takes a minute or more. The last command fills NODE_COMPILE_CACHE.
define install
command -v npm >/dev/null || { echo "WellAPI needs Node 20 or later with npm: install it, for example with 'apt-get install nodejs npm'" >&2; exit 1; }; \
	echo "Installing $(1) from the npm registry, by package-lock.json: once, for a minute or two" >&2; \
	npm ci $(2) --no-audit --no-fund --loglevel=error && node_modules/.bin/node -e "import('./host/src/index.ts')"
endef
