# Sourced by ./demo and ./check from the project's directory: finds a Python, makes .venv, installs what pyproject.toml
# lists, finds Chromium. Plain POSIX shell, so that it works wherever Python does.

python=.venv/bin/python

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "✗ $1"
    shift
    for line in "$@"; do say "  $line"; done
    exit 1
}

now() { date +%s; }

# Print the name of a Python that is new enough.
find_python() {
    for candidate in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3 python; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and none was found." \
        "Debian, Ubuntu: sudo apt-get install python3 python3-venv" \
        "Fedora: sudo dnf install python3    macOS: brew install python" \
        "Or name one: PYTHON=/path/to/python3 $0"
}

# Make .venv with a Python that can.
make_environment() {
    found=$(find_python) || exit 1
    say "• Making an environment in .venv with $("$found" --version 2>&1)"
    if ! "$found" -c 'import venv, ensurepip' >/dev/null 2>&1; then
        version=$("$found" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "This Python cannot make environments: its modules venv and ensurepip are missing." \
            "Debian, Ubuntu: sudo apt-get install python$version-venv" \
            "Or name another: PYTHON=/path/to/python3 $0"
    fi
    rm -rf .venv
    "$found" -m venv .venv || fail "The environment could not be made in $PWD/.venv." "The message above says why."
}

# prepare_environment WHAT: have WHAT (`.` or `.[dev]`) installed in .venv, where a change of pyproject.toml or of this
# directory's place makes it out of date.
prepare_environment() {
    "$python" -c '' >/dev/null 2>&1 || make_environment
    stamp=.venv/installed
    wanted="$(cksum <pyproject.toml) $PWD"
    has=$(cat "$stamp" 2>/dev/null || true)
    # What ./check installs includes what ./demo needs.
    if [ "$has" = "$1 $wanted" ] || [ "$has" = ".[dev] $wanted" ]; then return; fi
    began=$(now)
    say "• Installing what pyproject.toml lists (a minute or so, the first time)"
    rm -f "$stamp"
    install "$1" || fail "The packages could not be installed." \
        "The messages above say why; without network access, PIP_FIND_LINKS can name a directory of wheels."
    echo "$1 $wanted" >"$stamp"
    say "✓ Installed ($(($(now) - began)) s)"
}

# install WHAT: on a terminal one line tells how far it is.
install() {
    set -- "$python" -m pip install --disable-pip-version-check --no-input --editable "$1"
    if [ ! -t 2 ]; then
        "$@" --quiet >&2
        return
    fi
    failed=.venv/failed
    rm -f "$failed"
    { "$@" --progress-bar off 2>&1 || touch "$failed"; } | show_install
    [ ! -e "$failed" ]
}

show_install() {
    count=0
    while IFS= read -r line; do
        case $line in
        Collecting\ *)
            count=$((count + 1))
            name=${line#Collecting }
            printf '\r\033[K  %s packages: %s' "$count" "${name%%[<>=! ;]*}" >&2
            ;;
        Installing\ collected*) printf '\r\033[K  %s packages: installing' "$count" >&2 ;;
        *ERROR* | *error:* | *rror\ while*) printf '\r\033[K  %s\n' "$line" >&2 ;;
        esac
    done
    printf '\r\033[K' >&2
}

# Have a Chromium for the tests that drive a browser.
require_chromium() {
    if [ -n "${CHROMIUM:-}" ]; then
        [ -x "$CHROMIUM" ] || fail "CHROMIUM names $CHROMIUM, which cannot be run."
        return
    fi
    command -v chromium >/dev/null 2>&1 && return
    say "• Installing Chromium, which the browser tests drive"
    began=$(now)
    if install_chromium && command -v chromium >/dev/null 2>&1; then
        say "✓ Installed ($(($(now) - began)) s)"
        return
    fi
    fail "The browser tests need Chromium, and it could not be installed from here." \
        "Debian: sudo apt-get install chromium" \
        "Elsewhere: install it, then CHROMIUM=/path/to/chromium ./check" \
        "Without a browser: ./check --fast leaves those tests out"
}

install_chromium() {
    command -v apt-get >/dev/null 2>&1 || return 1
    become=
    if [ "$(id -u)" != 0 ]; then
        # -n: rather fail than ask for a password that nobody is there to type.
        command -v sudo >/dev/null 2>&1 && become="sudo -n" || return 1
    fi
    $become apt-get update -qq </dev/null >&2 &&
        $become env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium </dev/null >&2
}
