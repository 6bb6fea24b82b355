# Sourced by ./demo and ./check: finds a Python, makes .venv, installs when pyproject.toml has changed.

say() { printf '%s\n' "$*" >&2; }

find_python() {
    for candidate in "${PYTHON:-}" python3.14 python3.13 python3.12 python3.11 python3; do
        [ -n "$candidate" ] || continue
        if command -v "$candidate" >/dev/null 2>&1 &&
            "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    say "Python 3.11 or newer is needed, and none was found."
    say "Install it (Debian: apt-get install python3 python3-venv), or name it: PYTHON=/path/to/python3 $0"
    return 1
}

# prepare_environment WHAT: install WHAT (`.` or `.[dev]`) editable into .venv, unless that was done for this pyproject.toml.
prepare_environment() {
    local what="$1" python stamp wanted
    if [ ! -x .venv/bin/python ]; then
        python="$(find_python)"
        say "• Making an environment in .venv with $("$python" --version)"
        if ! "$python" -m venv .venv 2>.venv-error; then
            cat .venv-error >&2
            rm -rf .venv .venv-error
            say "Python cannot make environments here. On Debian: apt-get install python3-venv"
            return 1
        fi
        rm -f .venv-error
    fi
    stamp=.venv/installed
    wanted="$what $(cksum <pyproject.toml)"
    # What ./check installs includes what ./demo needs.
    case "$(cat "$stamp" 2>/dev/null)" in
    "$wanted" | ".[dev] $(cksum <pyproject.toml)") return 0 ;;
    esac
    say "• Installing what pyproject.toml lists (about a minute the first time)"
    if [ -t 2 ]; then
        .venv/bin/python -m pip install --disable-pip-version-check --editable "$what" >&2
    else
        .venv/bin/python -m pip install --disable-pip-version-check --quiet --editable "$what" >&2
    fi
    echo "$wanted" >"$stamp"
}

# The browser tests need Chromium; Debian has it, and elsewhere CHROMIUM names it.
require_chromium() {
    [ -n "${CHROMIUM:-}" ] && [ -x "$CHROMIUM" ] && return 0
    command -v chromium >/dev/null 2>&1 && return 0
    if command -v apt-get >/dev/null 2>&1; then
        local become=""
        [ "$(id -u)" = 0 ] || become="sudo -n"
        say "• Installing Chromium from the system's packages"
        if $become apt-get update -qq >&2 && $become apt-get install -y -qq chromium >&2; then
            return 0
        fi
    fi
    say "The browser tests need Chromium. Install it (Debian: apt-get install chromium), or name it:"
    say "CHROMIUM=/path/to/chromium ./check — or leave those tests out: ./check --fast"
    return 1
}
