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
dovecot    127.0.0.1  IMAP=22143,IMAPS=22993,POP3=22110,POP3S=22995,LMTP=22024,SASL=22026  dovecot-core,dovecot-imapd,dovecot-pop3d,dovecot-lmtpd
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

# ---------------------------------------------------------------- mail stores

# Users alice and carol have mdbox, bob a Maildir, dave sdbox; dovecot makes their accounts as they first log in.
# "dovecot/token" below the state folder holds a bearer token of alice for OAUTHBEARER and XOAUTH2.  LMTP takes mail
# for all of them; SASL is what a mail server asks for logins.
dovecot_store() { case $1 in bob) echo maildir:~/Maildir ;; dave) echo sdbox:~/sdbox ;; *) echo mdbox:~/mdbox ;; esac; }

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d =; }

dovecot_token() { # user; HS256, good for ten years
  local now head claims
  now=$(date +%s)
  head=$(printf '{"alg":"HS256","typ":"JWT","kid":"default"}' | base64url)
  claims=$(printf '{"sub":"%s","iat":%d,"nbf":%d,"exp":%d,"iss":"netclients"}' "$1" $((now - 60)) $((now - 60)) $((now + 315360000)) | base64url)
  printf '%s.%s.%s\n' "$head" "$claims" "$(printf '%s.%s' "$head" "$claims" | openssl dgst -sha256 -hmac netclients-key -binary | base64url)"
}

dovecot_accounts() { # folder
  local user
  mkdir -p "$1/run" "$1/state" "$1/home" "$1/oauth/default/HS256"
  chmod 755 "$1" "$1/run"
  for user in alice bob carol dave; do
    mkdir -p "$1/home/$user"
    chown 5000:5000 "$1/home/$user"
    printf '%s:{PLAIN}secret:5000:5000::%s::userdb_mail=%s\n' $user "$1/home/$user" "$(dovecot_store $user)"
  done >"$1/passwd"
  chown root:dovecot "$1/passwd"
  chmod 640 "$1/passwd"
  printf netclients-key | openssl base64 -A >"$1/oauth/default/HS256/default"
  chmod -R a+rX "$1/oauth"
  [ -s "$1/token" ] || dovecot_token alice >"$1/token"
  printf 'introspection_mode = local\nlocal_validation_key_dict = fs:posix:prefix=%s/oauth/\nusername_attribute = sub\n' "$1" >"$1/oauth2.conf"
}

dovecot_listener() { # service listener port [ssl]
  printf 'service %s {\n  inet_listener %s {\n    address = %s\n    port = %s\n    ssl = %s\n  }\n}\n' "$1" "$2" "$address" "$3" "${4:-no}"
}

run_dovecot() { # address imap imaps pop3 pop3s lmtp sasl
  local dir=$STATE/dovecot address=$1
  dovecot_accounts "$dir"
  {
    dovecot_listener imap-login imap "$2"
    dovecot_listener imap-login imaps "$3" yes
    dovecot_listener pop3-login pop3 "$4"
    dovecot_listener pop3-login pop3s "$5" yes
    dovecot_listener lmtp lmtp "$6"
    dovecot_listener auth sasl "$7"
    cat <<C
base_dir = $dir/run
state_dir = $dir/state
instance_name = netclients
log_path = $dir/dovecot.log
protocols = imap pop3 lmtp
listen = $address
ssl = yes
ssl_cert = <$TLS/chain.crt
ssl_key = <$TLS/server.key
ssl_dh =
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5 digest-md5 apop scram-sha-1 scram-sha-256 oauthbearer xoauth2
auth_username_format = %Ln
auth_failure_delay = 0
auth_realms = localhost
mail_max_userip_connections = 200
first_valid_uid = 5000
mail_uid = 5000
mail_gid = 5000
mail_location = maildir:~/Maildir
mail_fsync = never
mdbox_rotate_size = 32M
mail_plugins = acl quota
mail_attribute_dict = file:%h/dovecot-attributes
recipient_delimiter = +
passdb {
  driver = oauth2
  mechanisms = oauthbearer xoauth2
  args = $dir/oauth2.conf
}
passdb {
  driver = passwd-file
  mechanisms = plain login cram-md5 digest-md5 apop scram-sha-1 scram-sha-256
  args = scheme=PLAIN username_format=%n $dir/passwd
}
userdb {
  driver = passwd-file
  args = username_format=%n $dir/passwd
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
    auto = create
  }
  mailbox Drafts {
    special_use = \\Drafts
    auto = create
  }
  mailbox Trash {
    special_use = \\Trash
    auto = create
  }
}
protocol imap {
  mail_plugins = \$mail_plugins imap_acl imap_quota imap_zlib
  imap_metadata = yes
}
protocol lmtp {
  postmaster_address = postmaster@localhost
}
plugin {
  acl = vfile
  quota = count:User quota
  quota_rule = *:storage=4G
  quota_vsizes = yes
}
service imap-login {
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
}
service pop3-login {
  service_count = 0
  process_min_avail = 1
  client_limit = 1000
}
service stats {
  client_limit = 5000
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
C
  } >"$dir/dovecot.conf"
  cat "$TLS/server.crt" "$TLS/ca.crt" >"$TLS/chain.crt"
  spawn dovecot dovecot -F -c "$dir/dovecot.conf"
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
