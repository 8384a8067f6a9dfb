# Sourced by the scripts beside it, with `root` set to the clone: `prepare runtime` or `prepare dev` makes
# "$root/.venv" ready, or ends the script with a message and its exit code. What it does is in _bootstrap.py; here is
# only what must come before any Python: seeing cheaply that there is nothing to do, and finding a Python.

# Prints "whole PATH" or "partial PATH" (no ensurepip), or fails if this Python is too old. The path is the real one, so
# that an environment dies visibly with its Python, instead of meeting another version under the same name.
probe='
import sys
if sys.version_info < (3, 11):
    sys.exit("it is %d.%d.%d" % sys.version_info[:3])
import importlib.util, os
whole = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print("whole" if whole else "partial", os.path.realpath(sys.executable))
'

find_python() {
    fallback=
    for name in "$root/.venv/bin/python" python3 python3.14 python3.13 python3.12 python3.11 python; do
        # By its path: without PATH in the environment, a Python that is started by its name does not know where it is.
        path=$(command -v "$name") && found=$("$path" -I -c "$probe" 2>/dev/null) || continue
        case $found in
            "whole "*) printf '%s\n' "${found#whole }"; return ;;
            "partial "*) fallback=${fallback:-${found#partial }} ;;
        esac
    done
    if [ -n "$fallback" ]; then
        printf '%s\n' "$fallback"
        return
    fi
    echo "chatnet: needs Python 3.11 or newer, and there is none here. Install one, then run this again:" >&2
    echo "Debian, Ubuntu: apt install python3 python3-venv   Fedora: dnf install python3   macOS: brew install python" >&2
    return 69
}

prepare() {
    # The place belongs to the stamp: an environment does not survive the move of its clone.
    stamp="$(cksum <"$root/pyproject.toml") $root"
    noted=
    [ -x "$root/.venv/bin/python" ] && [ -r "$root/.venv/.installed-$1" ] && IFS= read -r noted <"$root/.venv/.installed-$1"
    if [ "$noted" != "$stamp" ]; then
        python=$(find_python) || exit
        "$python" -I "$root/scripts/_bootstrap.py" "$1" "$stamp" </dev/null >&2 || exit
    fi
}
