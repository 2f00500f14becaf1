#!/usr/bin/env bash
# servers.sh: real servers from Debian packages, on loopback only, for tests and benchmarks.
#
#   servers.sh install          install what the servers need (Debian 12, root, apt-get)
#   servers.sh peers            install the clients that the benchmarks compare with
#   servers.sh up [server...]   start all servers, or the named ones; those already up stay as they are
#   servers.sh down [server...] stop what this script started, and nothing else
#   servers.sh status           one line per server
#   servers.sh ports            NAME=PORT lines, whether the servers are up or not
#   servers.sh addresses        NAME=HOST:PORT lines, likewise
#   servers.sh paths            STATE=, ROOT= (the folder served) and CA= (its certificate) lines
#   servers.sh data             make the sample files again (up does it too)
#
# Everything lives under NETCLIENTS_SERVERS (default: ${TMPDIR:-/tmp}/netclients-servers), except the PAM
# service /etc/pam.d/netclients-vsftpd, which down removes.
#
# Users: alice/secret and bob/secret; anonymous on vsftpd.  All see the same root.  alice acts as the system
# user "ftp", bob and anonymous as "games", so the folder alice/ (mode 0700) is alice's alone.  Everybody may
# write to upload/ (mode 1777); nobody may write to the root itself.
set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022
ulimit -n 8192 2>/dev/null # some daemons close every possible descriptor at each login

STATE=${NETCLIENTS_SERVERS:-${TMPDIR:-/tmp}/netclients-servers}
RUN=$STATE/run TLS=$STATE/tls ROOT=$STATE/root ASIDE=$STATE/packages
PAM=/etc/pam.d/netclients-vsftpd

# A server is one line here and one function run_<server> below, which gets the address and its ports, in the
# table's order, and must not return before `spawn`.  The first port is the one waited for.  Packages after a
# plus are unpacked under $ASIDE instead of installed, for those that conflict with another server's.
# Passive data ports: vsftpd 24000-24999, vsftpds 25000-25999, proftpd 26000-26999, vsftpd6 27000-27499.
#
# server   address    ports          packages
SERVERS='
proxy      127.0.0.1  PROXY=22080    tinyproxy-bin
socks      127.0.0.1  SOCKS5=22081   microsocks
vsftpd     127.0.0.1  FTP=22100      vsftpd,libpam-pwdfile
vsftpds    127.0.0.1  FTPS=22101     vsftpd,libpam-pwdfile
proftpd    127.0.0.1  FTP_PRO=22102  +proftpd-core,+proftpd-mod-crypto,libpcre2-posix3,libhiredis0.14,libmemcached11,libmemcachedutil2,libsodium23
vsftpd6    ::1        FTP6=22103     vsftpd,libpam-pwdfile
'
BASE_PACKAGES='openssl util-linux'
PEER_PACKAGES='curl lftp ncftp wget aria2 python3 time hyperfine'

say() { printf '%s\n' "$*" >&2; }
die() { say "servers.sh: $*"; exit 1; }
names() { awk 'NF {print $1}' <<<"$SERVERS"; }
field() { awk -v s="$1" -v f="$2" '$1 == s {print $f}' <<<"$SERVERS"; }
ports_of() { field "$1" 3 | tr ',' '\n' | cut -d= -f2; }
need_root() { [ "$(id -u)" = 0 ] || die 'must be root: the servers drop their own privileges'; }

# ---------------------------------------------------------------- processes

# The start time, in ticks since boot, tells a process from a later one with the same number.
start_time() {
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  set -- $stat
  echo "${20}"
}

alive() {
  local pid started
  read -r pid started 2>/dev/null <"$RUN/$1.pid" || return 1
  [ -n "${started:-}" ] && [ "$(start_time "$pid")" = "$started" ]
}

spawn() { # server command...
  local name=$1 pid
  shift
  setsid "$@" >"$RUN/$name.log" 2>&1 </dev/null 9>&- &
  pid=$!
  disown
  echo "$pid $(start_time "$pid")" >"$RUN/$name.pid"
}

answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; } # address port

wait_for() { # server address port
  for _ in $(seq 1 100); do
    answers "$2" "$3" && return 0
    alive "$1" || break
    sleep 0.1
  done
  tail -n 5 "$RUN/$1.log" >&2
  return 1
}

# ---------------------------------------------------------------- shared files

make_certificate() { # server|client common-name extensions
  openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
  printf '%s\n' "$3" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -extfile "$1.ext" -out "$1.crt"
}

make_tls() {
  openssl x509 -checkend 86400 -noout -in "$TLS/server.crt" >/dev/null 2>&1 && [ -s "$TLS/server.pem" ] && return 0
  mkdir -p "$TLS"
  (
    cd "$TLS" || exit 1
    umask 077
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=netclients test CA' \
      -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.crt
    make_certificate server localhost $'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\nextendedKeyUsage=serverAuth'
    make_certificate client alice 'extendedKeyUsage=clientAuth'
    cat server.key server.crt ca.crt >server.pem
    chmod 644 ./*.crt
  ) >"$RUN/openssl.log" 2>&1
  [ -s "$TLS/server.pem" ] || { cat "$RUN/openssl.log" >&2; die 'no certificates'; }
}

# The state folder may lie in a place where everybody can write: take none that somebody else made.
make_private_state() {
  mkdir -p "$STATE" || exit 1
  [ -O "$STATE" ] && [ ! -L "$STATE" ] || die "$STATE belongs to somebody else"
}

make_state() {
  make_private_state
  mkdir -p "$RUN" "$ROOT"
  make_tls
}

sample() { # path time; the content comes from standard input
  mkdir -p "$(dirname "$ROOT/$1")"
  cat >"$STATE/sample" && touch -d "$2" "$STATE/sample" && mv -f "$STATE/sample" "$ROOT/$1"
}

# Sample files have fixed bytes and times, so that tests can name them.
make_data() {
  local i
  mkdir -p "$ROOT/upload" "$ROOT/alice" "$ROOT/tree/empty"
  chmod 1777 "$ROOT/upload"
  chmod 700 "$ROOT/alice"
  chown ftp "$ROOT/alice"
  printf 'hello, world\n' | sample hello.txt '2024-01-02 03:04:05 UTC'
  : | sample empty.bin '2024-01-02 03:04:06 UTC'
  head -c 1048576 /dev/zero | openssl enc -aes-128-ctr -K 6e6574636c69656e7473000000000000 -iv 0 -nosalt 2>/dev/null |
    sample blob.bin '2024-01-02 03:04:07 UTC'
  printf 'line one\nline two\n' | sample text.txt '2024-01-02 03:04:08 UTC'
  for i in 1 2 3 4 5 6 7 8; do
    printf 'file %s\n' $i | sample "tree/d$((i % 2))/e$((i % 3))/file$i.txt" "2024-02-0$i 00:00:00 UTC"
  done
  for i in 'with space.txt' 'ünïcödé.txt' 'hash#and%41.txt' '-dash.txt' '[brackets]*.txt' 'semi;type=a'; do
    printf '%s\n' "$i" | sample "tree/names/$i" '2024-03-01 00:00:00 UTC'
  done
  ln -sfn hello.txt "$ROOT/link.txt"
}

# ---------------------------------------------------------------- proxies

run_proxy() { # no ConnectPort line: CONNECT to any port
  cat >"$STATE/tinyproxy.conf" <<C
User nobody
Group nogroup
Listen $1
Port $2
Timeout 600
MaxClients 200
LogLevel Error
Allow 127.0.0.1
C
  spawn proxy tinyproxy -d -c "$STATE/tinyproxy.conf"
}

run_socks() { spawn socks setpriv --reuid=nobody --regid=nogroup --clear-groups microsocks -i "$1" -p "$2"; }

# ---------------------------------------------------------------- FTP

# Password file lines of alice and bob; $1 is a function or command that makes a line from name and hash.
each_user() {
  local user
  for user in alice bob; do "$1" $user "$(openssl passwd -6 secret)"; done
}

vsftpd_common() {
  local dir=$STATE/vsftpd
  mkdir -p "$dir/empty" "$dir/users"
  chmod 555 "$dir/empty"
  vsftpd_user() { printf '%s:%s\n' "$1" "$2"; }
  (umask 077; each_user vsftpd_user >"$dir/passwd")
  echo guest_username=ftp >"$dir/users/alice"
  echo guest_username=games >"$dir/users/bob"
  printf 'auth required pam_pwdfile.so pwdfile=%s\naccount required pam_permit.so\n' "$dir/passwd" >"$PAM"
  cat <<C
background=NO
anonymous_enable=YES
no_anon_password=YES
ftp_username=games
anon_root=$ROOT
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
local_enable=YES
local_umask=022
guest_enable=YES
guest_username=games
user_config_dir=$dir/users
virtual_use_local_privs=YES
local_root=$ROOT
chroot_local_user=YES
allow_writeable_chroot=YES
write_enable=YES
chmod_enable=YES
mdtm_write=YES
ls_recurse_enable=YES
ascii_upload_enable=YES
ascii_download_enable=YES
pam_service_name=$(basename "$PAM")
secure_chroot_dir=$dir/empty
nopriv_user=nobody
max_clients=200
max_per_ip=200
max_login_fails=3
delay_failed_login=0
seccomp_sandbox=NO
isolate_network=NO
connect_from_port_20=NO
port_enable=YES
xferlog_enable=NO
ssl_enable=YES
allow_anon_ssl=YES
force_local_logins_ssl=NO
force_local_data_ssl=NO
ssl_tlsv1=YES
ssl_sslv2=NO
ssl_sslv3=NO
ssl_ciphers=HIGH
require_ssl_reuse=YES
rsa_cert_file=$TLS/server.pem
rsa_private_key_file=$TLS/server.pem
C
}

start_vsftpd() { # server first-passive last-passive; the server's own settings come from standard input
  local conf=$STATE/$1.conf
  { vsftpd_common; printf 'pasv_min_port=%s\npasv_max_port=%s\n' "$2" "$3"; cat; } >"$conf"
  spawn "$1" sh -c 'exec vsftpd "$1" 0>&1' sh "$conf" # vsftpd reports errors on descriptor 0
}

run_vsftpd() {
  printf 'listen=YES\nlisten_address=%s\nlisten_port=%s\n' "$1" "$2" | start_vsftpd vsftpd 24000 24999
}

run_vsftpds() {
  printf 'listen=YES\nlisten_address=%s\nlisten_port=%s\nimplicit_ssl=YES\n' "$1" "$2" | start_vsftpd vsftpds 25000 25999
}

run_vsftpd6() {
  printf 'listen=NO\nlisten_ipv6=YES\nlisten_address6=%s\nlisten_port=%s\n' "$1" "$2" | start_vsftpd vsftpd6 27000 27499
}

proftpd_user() {
  local as=games
  [ "$1" = alice ] && as=ftp
  printf '%s:%s:%s:%s::%s:/bin/sh\n' "$1" "$2" "$(id -u $as)" "$(id -g $as)" "$ROOT"
}

run_proftpd() {
  local dir=$STATE/proftpd modules=$ASIDE/usr/lib/proftpd
  mkdir -p "$dir"
  (umask 077; each_user proftpd_user >"$dir/passwd")
  cat >"$dir/proftpd.conf" <<C
ModulePath $modules
LoadModule mod_tls.c
LoadModule mod_digest.c
LoadModule mod_deflate.c
LoadModule mod_site_misc.c
ServerName netclients
ServerType standalone
DefaultAddress $1
Port $2
SocketBindTight on
UseIPv6 off
UseReverseDNS off
AuthOrder mod_auth_file.c
AuthUserFile $dir/passwd
RequireValidShell off
UseFtpUsers off
DefaultRoot ~
User ftp
Group nogroup
PassivePorts 26000 26999
MaxInstances 100
AllowOverwrite on
AllowStoreRestart on
AllowRetrieveRestart on
UseSendfile on
Umask 022
PidFile $dir/proftpd.pid
ScoreboardFile $dir/scoreboard
DelayTable $dir/delay
DelayEngine off
SystemLog $dir/proftpd.log
TransferLog none
WtmpLog off
ListOptions "-a" maxfiles 200000
TLSEngine on
TLSLog $dir/tls.log
TLSProtocol TLSv1.2 TLSv1.3
TLSRSACertificateFile $TLS/server.crt
TLSRSACertificateKeyFile $TLS/server.key
TLSRequired off
DigestEngine on
DigestAlgorithms all
DeflateEngine on
<IfModule mod_ctrls.c>
  ControlsEngine off
</IfModule>
C
  spawn proftpd "$ASIDE/usr/sbin/proftpd" -n -q -c "$dir/proftpd.conf"
}

# ---------------------------------------------------------------- install

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# A policy-rc.d that says no keeps packages from starting their own daemons on the standard ports.
apt_install() {
  local policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
  fi
  apt_update
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" || die 'apt-get install failed'
}

apt_update() { apt-get update -q || die 'apt-get update failed'; }

install_missing() { # package...
  local package missing=()
  for package in "$@"; do installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
}

download() { apt-get download -q -o APT::Sandbox::User=root "$1"; }

unpack_aside() { # package...
  local package
  mkdir -p "$ASIDE"
  for package in "$@"; do
    [ -e "$ASIDE/$package.done" ] && continue
    rm -f "$ASIDE/${package}"_*.deb
    (cd "$ASIDE" && { download "$package" || { apt_update && download "$package"; }; }) || die "cannot download $package"
    dpkg -x "$ASIDE/${package}"_*.deb "$ASIDE" && rm -f "$ASIDE/${package}"_*.deb && : >"$ASIDE/$package.done"
  done
}

install() {
  local all
  need_root
  make_private_state
  all=$(awk 'NF {print $4}' <<<"$SERVERS" | tr ',' '\n' | sort -u)
  install_missing $BASE_PACKAGES $(grep -v '^+' <<<"$all")
  unpack_aside $(grep '^+' <<<"$all" | tr -d +)
}

peers() {
  need_root
  install_missing $PEER_PACKAGES
}

# ---------------------------------------------------------------- verbs

start() { # server
  local name=$1 address port
  address=$(field "$name" 2)
  port=$(ports_of "$name" | head -n 1)
  if alive "$name"; then echo up; return 0; fi
  if [ "$address" = ::1 ] && ! grep -q '^0*1 ' /proc/net/if_inet6 2>/dev/null; then echo 'skipped: no IPv6 loopback'; return 0; fi
  if answers "$address" "$port"; then echo 'FAILED: the port is taken by another process'; return 1; fi
  "run_$name" "$address" $(ports_of "$name")
  if wait_for "$name" "$address" "$port"; then echo started; return 0; fi
  echo "FAILED: see $RUN/$name.log"
  return 1
}

up() {
  local name result failed=0
  data
  for name in ${*:-$(names)}; do
    [ -n "$(field "$name" 1)" ] || die "no such server: $name"
    result=$(start "$name") || failed=1
    printf '%-9s %-24s %s\n' "$name" "$(field "$name" 3)" "$result"
  done
  return $failed
}

data() {
  make_state
  make_data
}

stop() { # server; the process group is the server's own, made by setsid
  local pid
  read -r pid _ <"$RUN/$1.pid"
  kill -TERM -- "-$pid" 2>/dev/null || kill -TERM "$pid" 2>/dev/null
  for _ in $(seq 1 60); do alive "$1" || return 0; sleep 0.1; done
  kill -KILL -- "-$pid" 2>/dev/null || kill -KILL "$pid" 2>/dev/null
}

down() {
  local name
  for name in ${*:-$(names)}; do
    if alive "$name"; then stop "$name"; printf '%-9s stopped\n' "$name"; fi
    rm -f "$RUN/$name.pid"
  done
  for name in vsftpd vsftpds vsftpd6; do alive $name && return 0; done
  if grep -q "=$STATE/" "$PAM" 2>/dev/null; then rm -f "$PAM"; fi
}

status() {
  local name state
  for name in $(names); do
    state=down
    if alive "$name"; then
      state='not answering'
      answers "$(field "$name" 2)" "$(ports_of "$name" | head -n 1)" && state="up, process $(cut -d' ' -f1 "$RUN/$name.pid")"
    fi
    printf '%-9s %-10s %-24s %s\n' "$name" "$(field "$name" 2)" "$(field "$name" 3)" "$state"
  done
}

ports() { awk 'NF {print $3}' <<<"$SERVERS" | tr ',' '\n'; }

addresses() {
  local name host
  for name in $(names); do
    host=$(field "$name" 2)
    [ "$host" = ::1 ] && host='[::1]'
    field "$name" 3 | tr ',' '\n' | sed "s/=/=$host:/"
  done
}

# Only one run at a time changes servers: parallel test packages may all ask for them.
locked() {
  need_root
  make_private_state
  (flock 9; "$@") 9>"$STATE/lock"
}

case ${1:-} in
  install | peers) "$1" ;;
  up | down) locked "$@" ;;
  status) status ;;
  ports) ports ;;
  addresses) addresses ;;
  paths) printf '%s\n' "STATE=$STATE" "ROOT=$ROOT" "CA=$TLS/ca.crt" ;;
  data) locked data ;;
  *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
