#!/bin/sh
# Everything `make run` and `make test` need, each step skipped when its inputs have not changed.
# Steps: uv, virtual environment, system programs, npm packages of the example.
set -eu
cd "$(dirname "$0")/.."

TOOLS=.tools
VENV=.venv
STAMPS=$TOOLS/stamps

# Trust what the machine trusts: a company's own certificate authority is known to it, not to uv.
if [ -f /etc/ssl/certs/ca-certificates.crt ]; then
    : "${UV_SYSTEM_CERTS:=1}"
    export UV_SYSTEM_CERTS
fi

say() { printf '%s\n' "setup: $*"; }
fail() { printf '%s\n' "setup: $*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" -eq 0 ]; }

# done_for NAME KEY: true when step NAME last succeeded with the same KEY
done_for() { [ -f "$STAMPS/$1" ] && [ "$(cat "$STAMPS/$1")" = "$2" ]; }
mark_done() { mkdir -p "$STAMPS" && printf '%s\n' "$2" > "$STAMPS/$1"; }
key_of() { cat "$@" | sha256sum | cut -d' ' -f1; }

python_of_machine() {
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if have "$candidate" && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
        then printf '%s' "$candidate"; return; fi
    done
    fail "Python 3.11 or newer is needed; name one with PYTHON=/path/to/python3"
}

apt_updated=no
apt_install() {
    if [ "$apt_updated" = no ]; then apt-get update -qq; apt_updated=yes; fi
    say "installing $* (apt)"
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}
can_apt() { is_root && have apt-get; }

# ---------------------------------------------------------------------------------------- steps
install_uv() {
    key=$(key_of requirements-bootstrap.lock)
    if done_for uv "$key" && [ -x $TOOLS/bin/uv ]; then return; fi
    python=$(python_of_machine)
    say "uv"
    # Debian's python3 comes without venv and pip.
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        can_apt || fail "$python has no venv module: install the package python3-venv"
        apt_install python3-venv
    fi
    rm -rf $TOOLS
    "$python" -m venv $TOOLS
    $TOOLS/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bootstrap.lock
    mark_done uv "$key"
}

install_python_packages() {
    key=$(key_of requirements-dev.lock pyproject.toml)
    if done_for python "$key" && [ -x $VENV/bin/bellrock ]; then return; fi
    say "virtual environment"
    [ -x $VENV/bin/python ] || $TOOLS/bin/uv venv --quiet --python "$(python_of_machine)" --no-python-downloads $VENV
    # Compiled once here: where Python may not keep what it compiles, every start would take seconds longer.
    $TOOLS/bin/uv pip sync --quiet --python $VENV/bin/python --compile-bytecode --require-hashes requirements-dev.lock
    $TOOLS/bin/uv pip install --quiet --python $VENV/bin/python --no-deps --no-build-isolation --editable .
    mark_done python "$key"
}

chromium_here() {
    for path in "${BELLROCK_CHROMIUM:-}" /usr/lib/chromium/chromium /usr/bin/chromium \
        /usr/bin/chromium-browser /usr/bin/google-chrome "$HOME"/.cache/ms-playwright/chromium-*/chrome-linux*/chrome; do
        [ -n "$path" ] && [ -x "$path" ] && return 0
    done
    return 1
}

have_fonts() { [ -d /usr/share/fonts ] && [ -n "$(find /usr/share/fonts -name '*.[ot]tf' -print -quit)" ]; }
have_postgres() { have pg_ctl || [ -n "$(ls -d /usr/lib/postgresql/*/bin/pg_ctl 2>/dev/null)" ]; }

install_system_programs() {
    missing=""
    chromium_here || missing="$missing chromium"
    have bwrap || missing="$missing bubblewrap"
    have ffmpeg || missing="$missing ffmpeg"
    have_fonts || missing="$missing fonts-liberation fonts-dejavu-core"
    have_postgres || missing="$missing postgresql"
    ! is_root || have nft || missing="$missing nftables"
    [ -n "$missing" ] || return 0
    if can_apt; then
        # shellcheck disable=SC2086  # a list of package names
        apt_install $missing
        return 0
    fi
    say "not root, or no apt-get: cannot install$missing"
    if ! chromium_here; then
        say "trying Playwright's own Chromium"
        $VENV/bin/playwright install chromium || fail "no Chromium. Either install your system's package \
(Debian: apt-get install chromium), or let Playwright download one (.venv/bin/playwright install chromium)"
    fi
    have bwrap || say "without bubblewrap runs get the next best isolation: see 'bellrock runner' at its start"
    have_postgres || say "without PostgreSQL its tests are skipped"
}

check_node() {
    have node && have npm || fail "Node.js 20 or newer with npm is needed: install it from your distribution or nodejs.org's archives"
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge 20 ] || fail "Node.js $(node --version) is too old: 20 or newer is needed"
}

# install_npm NAME FOLDER
install_npm() {
    [ -f "$2/package-lock.json" ] || return 0
    key=$(key_of "$2/package-lock.json" "$2/package.json")
    if done_for "$1" "$key" && [ -d "$2/node_modules/@playwright/test" ]; then return; fi
    check_node
    say "npm packages of $2"
    (cd "$2" && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --no-update-notifier --loglevel=error)
    mark_done "$1" "$key"
}

compile_own_code() { $VENV/bin/python -m compileall -q src; }

install_uv
install_python_packages
compile_own_code
install_system_programs
install_npm shop examples/shop
install_npm slow-suite bench/slow-suite
