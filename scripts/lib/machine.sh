# shellcheck shell=bash
# What the tests need of the machine: outside programs, installed from the distribution's
# packages where they are missing, and free ports. To be sourced; expects the working
# directory to be the repository's root.

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Prints the folder that holds initdb, pg_ctl and postgres. Debian keeps the server's
# programs out of PATH, one folder per major version; the newest is taken.
postgres_bin() {
  local dir newest=""
  for dir in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql@*/bin; do
    if [[ -x $dir/initdb && -x $dir/postgres ]]; then
      newest=$(printf '%s\n' "$newest" "$dir" | sort -V | tail -n 1)
    fi
  done
  if [[ -z $newest ]] && have initdb && have postgres; then
    newest=$(dirname "$(command -v initdb)")
  fi
  [[ -n $newest ]] && printf '%s\n' "$newest"
}

# Prints the Redis-compatible server's program.
redis_program() { command -v redis-server || command -v valkey-server; }

# Runs apt-get as root. A package that brings a service must not start it: the tests
# start their own, and port 5432 may be someone else's. policy-rc.d is Debian's switch
# for that; it is put back as it was.
apt_install() {
  local as_root=()
  if ((EUID != 0)); then
    as_root=(sudo -n)
  fi
  # shellcheck disable=SC2016  # The variables are the inner shell's.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive bash -euc '
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
      trap "rm -f $policy" EXIT
      printf "#!/bin/sh\nexit 101\n" >"$policy"
      chmod 755 "$policy"
    fi
    apt-get update -qq >/dev/null
    apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >/dev/null
  ' apt_install "$@" </dev/null
}

# Installs packages, or says in clear words what the reader has to do.
# $1: what is missing, in words; the rest: Debian package names.
install_packages() {
  local what=$1
  shift
  if ! have apt-get; then
    die "$what is missing, and this system has no apt-get. Install it with your package manager, then run this again."
  fi
  if ((EUID != 0)) && ! { have sudo && sudo -n true 2>/dev/null; }; then
    die "$what is missing, and installing it needs root. Run: sudo apt-get install $*"
  fi
  printf '%s is missing; installing %s\n' "$what" "$*"
  apt_install "$@"
}

ensure_postgres() {
  postgres_bin >/dev/null || install_packages PostgreSQL postgresql
  postgres_bin >/dev/null || die "PostgreSQL was installed, but its initdb was not found under /usr/lib/postgresql or in PATH."
}

ensure_redis() {
  redis_program >/dev/null || install_packages Redis redis-server
  redis_program >/dev/null || die "Redis was installed, but redis-server is not in PATH."
}

# buf and the web client's packages come from npm, by the lock file of tests/web.
ensure_web_packages() {
  have npm || install_packages "npm (for buf and the web client)" nodejs npm
  local lock=tests/web/package-lock.json stamp=tests/web/node_modules/.souk-installed
  if [[ -e $stamp ]] && cmp -s "$lock" "$stamp"; then
    return
  fi
  npm ci --prefix tests/web --no-audit --no-fund --loglevel=error </dev/null
  cp "$lock" "$stamp"
}

# True when something on this machine listens on loopback port $1.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a random free loopback port below the range that the system hands out itself.
free_port() {
  local port
  for _ in {1..50}; do
    port=$((20000 + RANDOM % 12000))
    if ! listening "$port"; then
      printf '%s\n' "$port"
      return
    fi
  done
  die "no free port was found between 20000 and 32000"
}
