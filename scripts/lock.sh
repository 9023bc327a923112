#!/bin/sh
# Resolves pyproject.toml into hash-locked requirements that name no index and no path.
# UPGRADE=1 takes newer versions; without it the pins in the files are kept where they still fit.
set -eu
cd "$(dirname "$0")/.."

compile() {
    .tools/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-header --no-annotate ${UPGRADE:+--upgrade} "$@"
}

compile pyproject.toml --extra postgres --output-file requirements.lock
compile pyproject.toml --extra postgres --group dev --constraint requirements.lock --output-file requirements-dev.lock
