# `make run` and `make test` are all a newcomer needs; `make help` lists the rest.
PORT ?= 8000
PY := .venv/bin/python
CODE := manage.py config members loyalty rewards campaigns tests .ci

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run test check check-code check-data check-format check-lint check-types check-imports check-migrations \
	check-templates check-translations format messages prove bench seed-large lock development

help: ## List what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: ## Serve the demo shop on http://127.0.0.1:8000 (another port: make run PORT=8001)
	@sh .ci/bootstrap run
	@exec $(PY) manage.py serve --port $(PORT)

test: development ## Run the tests (some of them: make test ARGS=tests/loyalty)
	@echo "==> tests"
	@$(PY) manage.py messages --compile
	@$(PY) -m pytest $(ARGS)

check: check-code check-data test ## Everything a commit has to pass

# Looks at files alone.
check-code: check-format check-lint check-types check-imports check-templates

# Runs the project, and with it its database.
check-data: check-migrations check-translations

check-format: development
	@echo "==> format: ruff format"
	@$(PY) -m ruff format --check --quiet $(CODE)

check-lint: development
	@echo "==> lint: ruff check"
	@$(PY) -m ruff check --quiet $(CODE)

check-types: development
	@echo "==> types: mypy"
	@$(PY) -m mypy --no-error-summary $(CODE)

check-imports: development
	@echo "==> import contracts: import-linter"
	@PYTHONPATH=. $(PY) -c "from importlinter.cli import lint_imports_command as run; run()" > .venv/imports.log \
		|| { cat .venv/imports.log; exit 1; }

check-migrations: development
	@echo "==> migrations: every model change has one"
	@$(PY) manage.py makemigrations --check --dry-run --verbosity 1 > .venv/migrations.log \
		|| { cat .venv/migrations.log; exit 1; }

check-templates: development
	@echo "==> templates: djade"
	@find templates -name '*.html' -exec .venv/bin/djade --check --target-version 5.2 {} +

check-translations: development
	@echo "==> translations: nothing untranslated"
	@$(PY) manage.py messages --check

format: development ## Bring code and templates into their usual form
	@$(PY) -m ruff check --fix --quiet $(CODE) || true
	@$(PY) -m ruff format --quiet $(CODE)
	@find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} + || true

messages: development ## Collect what is to be translated into locale/
	@$(PY) manage.py messages

prove: development ## Prove what is promised, and write docs/trust.md (again: make prove SEED=7)
	@$(PY) manage.py messages --compile
	@$(PY) -m tests.prove.run $(if $(SEED),--again --seed $(SEED)) $(ARGS)

bench: development ## Measure how fast points move
	@$(PY) manage.py bench $(ARGS)

seed-large: development ## Fill an empty database with a million members (another: make seed-large ARGS='--database big')
	@$(PY) manage.py seed_large $(ARGS)

lock: development ## Lock the dependencies of pyproject.toml (newer versions: make lock UPGRADE=--upgrade)
	@for set in run dev; do \
		echo "==> requirements/$$set.txt"; \
		if [ $$set = dev ]; then group="--group dev"; else group=""; fi; \
		$(PY) -m uv pip compile pyproject.toml $$group $(UPGRADE) --quiet --universal --generate-hashes \
			--no-emit-index-url --custom-compile-command "make lock" -o requirements/$$set.txt || exit 1; \
		if grep -nE '://|^--' requirements/$$set.txt; then echo "A lock names no addresses."; exit 1; fi; \
	done

development:
	@sh .ci/bootstrap dev
