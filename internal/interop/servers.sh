#!/usr/bin/env bash
# servers.sh: real servers from Debian packages, on loopback only, for tests and benchmarks.
#
#   servers.sh install          install the packages that servers and tests need (Debian 12, root, apt-get)
#   servers.sh peers            install the clients that the benchmarks compare with
#   servers.sh up [server...]   start all servers, or the named ones; servers already up are left alone
#   servers.sh down [server...] stop servers that this script started, and nothing else
#   servers.sh status           one line per server
#   servers.sh ports            NAME=PORT lines, whether the servers are up or not
#   servers.sh addresses        NAME=HOST:PORT lines, likewise
#   servers.sh programs         the programs of all these packages, one per line, for test runs without them
#   servers.sh paths            STATE=, ROOT= (the folder served) and CA= (its certificate) lines
#   servers.sh data             recreate the sample files (up does so too)
#
# Everything lives under NETCLIENTS_SERVERS (default: ${TMPDIR:-/tmp}/netclients-servers), except the PAM
# service /etc/pam.d/netclients-vsftpd, which down removes.
#
# Users: alice/secret and bob/secret; anonymous on vsftpd.  All see the same root.  alice acts as the system
# user "ftp", bob and anonymous as "games", so only alice can use the folder alice/ (mode 0700).  Everybody may
# write to upload/ (mode 1777); nobody may write to the root itself.
set -u
export LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
umask 022
ulimit -n 8192 2>/dev/null # some daemons close every possible descriptor at each login

STATE=${NETCLIENTS_SERVERS:-${TMPDIR:-/tmp}/netclients-servers}
RUN=$STATE/run TLS=$STATE/tls ROOT=$STATE/root ASIDE=$STATE/packages
PAM=/etc/pam.d/netclients-vsftpd

# A server is one line here and one function run_<server> below, which is called with the address and the ports in the
# table's order, and must not return before `spawn`.  The script waits for the first port.  Packages after a
# plus are unpacked under $ASIDE instead of being installed, because they conflict with another server's.
# Passive data ports: vsftpd 24000-24999, vsftpds 25000-25999, proftpd 26000-26999, vsftpd6 27000-27499,
# pureftpd 28000-28999.
#
# server   address    ports          packages
SERVERS='
proxy      127.0.0.1  PROXY=22080    tinyproxy-bin
socks      127.0.0.1  SOCKS5=22081   microsocks
nginx      127.0.0.1  HTTP=22280,HTTPS=22443,HTTPS_MTLS=22444  nginx-light,libnginx-mod-http-dav-ext
apache     127.0.0.1  HTTP_DAV=22282  apache2-bin
pyhttp     127.0.0.1  HTTP_PY=22281  python3
vsftpd     127.0.0.1  FTP=22100      vsftpd,libpam-pwdfile
vsftpds    127.0.0.1  FTPS=22101     vsftpd,libpam-pwdfile
proftpd    127.0.0.1  FTP_PRO=22102  +proftpd-core,+proftpd-mod-crypto,libpcre2-posix3,libhiredis0.14,libmemcached11,libmemcachedutil2,libsodium23
vsftpd6    ::1        FTP6=22103     vsftpd,libpam-pwdfile
pureftpd   127.0.0.1  FTP_PURE=22104  +pure-ftpd,+pure-ftpd-common,libsodium23
dovecot    127.0.0.1  IMAP=22143,IMAPS=22993,POP3=22110,POP3S=22995,LMTP=22024,SASL=22026  dovecot-core,dovecot-imapd,dovecot-pop3d,dovecot-lmtpd
innd       127.0.0.1  NNTP_FEED=22119  +inn2,+inn2-inews,libcanlock3,libdb5.3,libperl5.36,libpython3.11,libsasl2-2,libsqlite3-0
nnrpd      127.0.0.1  NNTP=22120     +inn2,+inn2-inews
nnrpds     127.0.0.1  NNTPS=22563    +inn2,+inn2-inews
nnrpda     127.0.0.1  NNTP_LOGIN=22121  +inn2,+inn2-inews
postfix    127.0.0.1  SMTP=22025,SUBMISSION=22587,SMTPS=22465,SMTP_PROXY=22027  postfix
smtpsink   127.0.0.1  SMTP_SINK=22526  postfix
gopher     127.0.0.1  GOPHER=22070   gophernicus,socat
gophers    127.0.0.1  GOPHERS=22071  socat
gopherplus 127.0.0.1  GOPHER_PLUS=22074  pygopherd
pyxmlrpc   127.0.0.1  XMLRPC=22072   python3
fastrpc    127.0.0.1  XMLRPC_FAST=22073  nginx-light
telnet     127.0.0.1  TELNET=22023   inetutils-telnetd,socat
discard    127.0.0.1  DISCARD=22009  socat
source     127.0.0.1  SOURCE=22019   socat
'
BASE_PACKAGES='openssl util-linux'
TEST_PACKAGES='nftables prometheus mutt curl ncat netcat-openbsd socat inetutils-telnet openssl tmux' # programs at the other end: mutt reads what we store
# Programs that may come from elsewhere than Debian: their package is installed only where there is no such program.
TEST_PROGRAMS='chromium=chromium node=nodejs npm=npm dash=dash'
PEER_PACKAGES='curl lftp ncftp wget wget2 aria2 python3 lynx time hyperfine mpop fetchmail msmtp swaks suck slrnpull isync netcat-openbsd ncat socat expect inetutils-telnet'

say() { printf '%s\n' "$*" >&2; }
die() { say "servers.sh: $*"; exit 1; }
names() { awk 'NF {print $1}' <<<"$SERVERS"; }
field() { awk -v s="$1" -v f="$2" '$1 == s {print $f}' <<<"$SERVERS"; }
ports_of() { field "$1" 3 | tr ',' '\n' | cut -d= -f2; }
need_root() { [ "$(id -u)" = 0 ] || die 'must be root: the servers drop their own privileges'; }

# ---------------------------------------------------------------- processes

# The start time, in ticks since boot, distinguishes a process from a later one with the same number.
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

# The state folder may be in a world-writable place: refuse one that another user created.
make_private_state() {
  mkdir -p "$STATE" || exit 1
  [ -O "$STATE" ] && [ ! -L "$STATE" ] || die "$STATE belongs to another user"
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

# Sample files have fixed content and times, so that tests can expect them.
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

# ---------------------------------------------------------------- HTTP

# dav/, gz/ and others below the root of the URLs serve the same files in other ways; bare/ has no index.
htpasswd_line() { printf '%s:%s\n' "$1" "$2"; }

nginx_place() { # URL path, settings
  printf 'location %s { alias %s/; %s }\n' "$1" "$ROOT" "$2"
}

nginx_places() { # folder
  local login="auth_basic lab; auth_basic_user_file $1/htpasswd;"
  echo 'location / { autoindex on; }'
  nginx_place /auth/ "$login autoindex on;"
  nginx_place /gz/ 'gzip on; gzip_types *; gzip_min_length 1;'
  nginx_place /bare/ ''
  nginx_place /slow/ 'limit_rate 256k;'
  nginx_place /norange/ 'max_ranges 0;'
  cat <<C
location /dav/ {
  alias $ROOT/upload/;
  $login
  dav_methods PUT DELETE MKCOL COPY MOVE;
  dav_ext_methods PROPFIND OPTIONS;
  dav_access user:rw group:rw all:rw;
  create_full_put_path on;
  min_delete_depth 1;
}
location = /redirect { return 302 /hello.txt; }
location = /loop { return 302 /loop; }
location = /away { return 302 http://localhost:\$server_port/hello.txt; }
location = /busy { add_header Retry-After 1 always; return 503 "busy\n"; }
location = /cookie { add_header Set-Cookie "sid=42; Path=/; HttpOnly"; default_type text/plain; return 200 "cookie=\$http_cookie\n"; }
location = /echo { default_type text/plain; return 200 "\$request_method \$request_uri\nauth=\$http_authorization\nrange=\$http_range\n"; }
location = /named { add_header Content-Disposition 'attachment; filename="a name.txt"'; default_type text/plain; return 200 "named\n"; }
C
}

run_nginx() { # address http https https-with-client-certificates
  local dir=$STATE/nginx
  mkdir -p "$dir/tmp"
  each_user htpasswd_line >"$dir/htpasswd"
  nginx_places "$dir" >"$dir/places.conf"
  cat "$TLS/server.crt" "$TLS/ca.crt" >"$TLS/chain.crt"
  cat >"$dir/nginx.conf" <<C
user root;
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/error.log;
daemon off;
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
events { worker_connections 4096; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 10000000;
  client_max_body_size 0;
  client_body_temp_path $dir/tmp/body;
  proxy_temp_path $dir/tmp/proxy;
  fastcgi_temp_path $dir/tmp/fastcgi;
  uwsgi_temp_path $dir/tmp/uwsgi;
  scgi_temp_path $dir/tmp/scgi;
  ssl_certificate $TLS/chain.crt;
  ssl_certificate_key $TLS/server.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  charset utf-8;
  server {
    listen $1:$2;
    listen $1:$3 ssl http2;
    root $ROOT;
    include $dir/places.conf;
  }
  server {
    listen $1:$4 ssl;
    root $ROOT;
    ssl_client_certificate $TLS/ca.crt;
    ssl_verify_client on;
    location = /who { default_type text/plain; return 200 "\$ssl_client_s_dn\n"; }
  }
}
C
  spawn nginx nginx -e "$dir/error.log" -c "$dir/nginx.conf"
}

# apache_settings serves ROOT, all of which can be written where the system's user "ftp" may write.
apache_settings() { # folder address port
  local module
  for module in mpm_event authz_core authn_core authn_file auth_basic authz_user dav dav_fs; do
    echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
  done
  cat <<C
ServerRoot $1
ServerName $2
Listen $2:$3
PidFile $1/apache.pid
ErrorLog $1/error.log
User ftp
Group nogroup
DocumentRoot $ROOT
EnableSendfile on
MaxKeepAliveRequests 0
DavLockDB $1/locks/db
<Directory "$ROOT">
  Options None
  AllowOverride None
  AuthType Basic
  AuthName lab
  AuthUserFile $1/htpasswd
  Require valid-user
  Dav On
  DavDepthInfinity Off
</Directory>
C
}

run_apache() { # address port
  local dir=$STATE/apache
  mkdir -p "$dir/locks"
  chown ftp "$dir/locks"
  each_user htpasswd_line >"$dir/htpasswd"
  apache_settings "$dir" "$1" "$2" >"$dir/apache.conf"
  spawn apache apache2 -D FOREGROUND -f "$dir/apache.conf"
}

run_pyhttp() { spawn pyhttp /usr/bin/python3 -m http.server --bind "$1" --directory "$ROOT" "$2"; }

# ---------------------------------------------------------------- Telnet and raw sockets

socat_listen() { printf 'TCP4-LISTEN:%s,bind=%s,reuseaddr,fork,backlog=256' "$2" "$1"; } # address port

# Replaces login(1): alice/secret, and a few commands, none of which runs a program of the user's choice.
telnet_login() {
  cat <<'C'
#!/bin/bash
ask() { IFS= read -r answer && answer=${answer%$'\r'}; }
user= password=
for try in 1 2 3; do
  printf 'login: '; ask || exit 0; user=$answer
  stty -echo; printf 'Password: '; ask || exit 0; password=$answer; stty echo; printf '\n'
  [ "$user:$password" = alice:secret ] && break
  printf 'Login incorrect\n'
done
[ "$user:$password" = alice:secret ] || exit 1
printf 'Welcome, %s.\n' "$user"
while printf 'lab$ ' && ask; do
  read -r word rest <<<"$answer"
  case $word in
    '') ;;
    echo) printf '%s\n' "$rest" ;;
    size) stty size ;;
    term) printf '%s\n' "$TERM" ;;
    lines) [[ $rest =~ ^[0-9]{1,5}$ ]] && seq -f 'line %.0f' 1 "$rest" ;;
    exit) printf 'bye\n'; exit 0 ;;
    *) printf 'what?\n' ;;
  esac
done
C
}

run_telnet() { # telnetd expects a socket per session, as from inetd
  telnet_login >"$STATE/telnet-login"
  chmod 755 "$STATE/telnet-login"
  spawn telnet socat "$(socat_listen "$1" "$2")" "EXEC:$(command -v telnetd) -h -E $STATE/telnet-login,nofork"
}

run_discard() { spawn discard socat -u -b 262144 "$(socat_listen "$1" "$2")" OPEN:/dev/null; }

run_source() { spawn source socat -u -b 262144 OPEN:/dev/zero,readbytes=2147483648 "$(socat_listen "$1" "$2")"; }

# ---------------------------------------------------------------- FTP

# Password file lines of alice and bob; $1 is a function or command that prints a line for a name and a hash.
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

pureftpd_user() {
  local as=games
  [ "$1" = alice ] && as=ftp
  printf '%s:%s:%s:%s::%s/./::::::::::::\n' "$1" "$2" "$(id -u $as)" "$(id -g $as)" "$ROOT"
}

run_pureftpd() {
  local dir=$STATE/pureftpd
  mkdir -p "$dir"
  (umask 077; each_user pureftpd_user >"$dir/passwd"; cat "$TLS/server.key" "$TLS/server.crt" >"$dir/server.pem")
  "$ASIDE/usr/bin/pure-pw" mkdb "$dir/passwd.pdb" -f "$dir/passwd" || return 1
  spawn pureftpd "$ASIDE/usr/sbin/pure-ftpd" -4 -S "$1,$2" -l "puredb:$dir/passwd.pdb" -p 28000:28999 -A -E -H -D \
    -u 1 -c 200 -C 200 -L 200000:50 -U 133:022 -Y 1 -2 "$dir/server.pem" -g "$dir/pureftpd.pid"
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

# Users alice, carol, erin, frank and grace have mdbox, bob a Maildir, dave sdbox; dovecot creates their accounts at the first login.
# "dovecot/token" below the state folder has alice's bearer token for OAUTHBEARER and XOAUTH2.  LMTP accepts mail
# for all of them; SASL is the service that authenticates for a mail server.
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
  for user in alice bob carol dave erin frank grace; do
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

# ---------------------------------------------------------------- mail transport

# Mail for localhost and lab.test goes to dovecot's LMTP, so postfix needs dovecot; mail for discard.test is discarded.
# Dovecot also checks logins.  The submission port accepts mail only after a login; the proxy port requires a
# PROXY protocol header first.
postfix_conf() { # address
  local dir=$STATE/postfix lmtp sasl
  lmtp=$(ports_of dovecot | sed -n 5p)
  sasl=$(ports_of dovecot | sed -n 6p)
  cat <<C
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
maillog_file = $dir/log/maillog
maillog_file_prefixes = $STATE
mail_owner = postfix
setgid_group = postdrop
myhostname = lab.test
mydomain = lab.test
inet_interfaces = $1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
local_transport = error:no local mail
virtual_mailbox_domains = localhost, lab.test, discard.test
virtual_mailbox_maps = inline:{ alice@lab.test=1, bob@lab.test=1, carol@lab.test=1, dave@lab.test=1, @discard.test=1, @localhost=1 }
virtual_transport = lmtp:inet:$1:$lmtp
transport_maps = inline:{ { discard.test = discard: } }
smtp_host_lookup = native
lmtp_host_lookup = native
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject
smtpd_recipient_restrictions =
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_tls_cert_file = $TLS/chain.crt
smtpd_tls_key_file = $TLS/server.key
smtpd_tls_security_level = may
smtp_tls_security_level = none
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:$1:$sasl
smtpd_sasl_auth_enable = yes
smtpd_sasl_security_options = noanonymous
smtputf8_enable = yes
message_size_limit = 1073741824
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
default_process_limit = 100
biff = no
C
}

postfix_services() { # address smtp submission smtps proxy
  local service
  cat <<C
$1:$2 inet n - n - - smtpd
$1:$3 inet n - n - - smtpd -o smtpd_client_restrictions=permit_sasl_authenticated,reject -o smtpd_delay_reject=yes
$1:$4 inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
$1:$5 inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
showq unix n - n - - showq
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
C
  for service in bounce defer trace; do echo "$service unix - - n - 0 bounce"; done
  for service in error retry; do echo "$service unix - - n - - error"; done
  for service in discard lmtp smtp; do echo "$service unix - - n - - $service"; done
}

run_postfix() { # address smtp submission smtps proxy
  local dir=$STATE/postfix pid
  mkdir -p "$dir"/{etc,spool,data,log}
  chown postfix "$dir/data"
  chmod 755 "$STATE" "$dir" "$dir"/{etc,spool,log}
  cat "$TLS/server.crt" "$TLS/ca.crt" >"$TLS/chain.crt"
  postfix_conf "$1" >"$dir/etc/main.cf"
  postfix_services "$@" >"$dir/etc/master.cf"
  rm -f "$dir/spool/pid/master.pid"
  spawn postfix postfix -c "$dir/etc" start-fg
  # The start script keeps running; the process to watch and stop is the master below it.
  for _ in $(seq 1 100); do
    pid=$(tr -dc 0-9 2>/dev/null <"$dir/spool/pid/master.pid")
    if [ -n "$pid" ] && start_time "$pid" >/dev/null; then
      echo "$pid $(start_time "$pid")" >"$RUN/postfix.pid"
      return 0
    fi
    sleep 0.1
  done
}

run_smtpsink() { spawn smtpsink smtp-sink -u nobody -c -h lab.test "$1:$2" 1024; }

# ---------------------------------------------------------------- news

# All share one spool: innd accepts feeds, nnrpd serves readers, nnrpds does so over TLS, and nnrpda admits nobody
# without a login (alice).  Groups: local.test, local.bench, local.empty, and local.moderated, which has no moderator.
as_news() { # command...
  setpriv --reuid=news --regid=news --clear-groups env "INNCONF=$STATE/inn/etc/inn.conf" \
    "LD_LIBRARY_PATH=$ASIDE/usr/lib/news" "$@"
}

inn_readers() { # default user, empty for none
  cat <<C
auth "all" {
    hosts: "127.0.0.1, localhost"
    auth: "ckpasswd -f $STATE/inn/etc/newsusers"
${1:+    default: "$1"}
}
access "all" {
    users: "*"
    newsgroups: "*"
    access: RPAN
}
C
}

inn_conf() { # address
  local dir=$STATE/inn
  cat <<C
mta: "/bin/false %s"
organization: "netclients"
ovmethod: tradindexed
hismethod: hisv6
pathhost: news.netclients.invalid
domain: netclients.invalid
pathnews: $ASIDE/usr/lib/news
pathbin: $ASIDE/usr/lib/news/bin
pathetc: $dir/etc
pathfilter: $dir/etc/filter
pathdb: $dir/db
pathlog: $dir/log
pathhttp: $dir/http
pathrun: $dir/run
pathspool: $dir/spool
patharticles: $dir/spool/articles
pathoverview: $dir/spool/overview
pathincoming: $dir/spool/incoming
pathoutgoing: $dir/spool/outgoing
patharchive: $dir/spool/archive
pathtmp: $dir/spool/incoming/tmp
mailcmd: /bin/false
port: 22119
bindaddress: $1
nnrpdpostport: 22119
nnrpdposthost: $1
artcutoff: 0
docancels: all
maxartsize: 0
localmaxartsize: 0
maxconnections: 50
wireformat: true
enableoverview: true
pgpverify: false
doinnwatch: false
nnrpdloadlimit: 0
keywords: false
checkincludedtext: false
addinjectionpostinghost: false
tlscertfile: $dir/etc/cert.pem
tlskeyfile: $dir/etc/key.pem
tlscafile: $TLS/ca.crt
C
}

make_news() { # address
  local dir=$STATE/inn group
  mkdir -p "$dir"/{etc/filter,db,log,run,http} "$dir"/spool/{articles,overview,incoming/tmp,incoming/bad,outgoing,archive,innfeed}
  cp -n "$ASIDE"/etc/news/* "$dir/etc/" 2>/dev/null
  cp "$TLS/server.key" "$dir/etc/key.pem"
  cat "$TLS/server.crt" "$TLS/ca.crt" >"$dir/etc/cert.pem"
  printf 'alice:%s\n' "$(openssl passwd -1 secret)" >"$dir/etc/newsusers"
  inn_conf "$1" >"$dir/etc/inn.conf"
  inn_readers '<localhost>' >"$dir/etc/readers.conf"
  inn_readers '' >"$dir/etc/readers-login.conf"
  printf 'method tradspool {\n    newsgroups: *\n    class: 0\n}\n' >"$dir/etc/storage.conf"
  printf 'streaming: true\nmax-connections: 50\npeer ME {\n  hostname: "127.0.0.1"\n}\n' >"$dir/etc/incoming.conf"
  printf 'ME:*::\n' >"$dir/etc/newsfeeds"
  : >"$dir/etc/innfeed.conf"
  : >"$dir/etc/moderators"
  printf '/remember/:10\n*:A:never:never:never\n' >"$dir/etc/expire.ctl"
  chown -R news:news "$dir/etc"
  chmod 640 "$dir/etc/key.pem" "$dir/etc/newsusers"
  [ -e "$dir/db/history.dir" ] && return 0
  for group in control control.cancel junk; do printf '%s 0000000000 0000000001 n\n' $group; done >"$dir/db/active"
  for group in local.test local.bench local.empty; do printf '%s 0000000000 0000000001 y\n' $group; done >>"$dir/db/active"
  printf 'local.moderated 0000000000 0000000001 m\n' >>"$dir/db/active"
  printf 'local.test\tA local test group.\nlocal.bench\tFor benchmarks.\nlocal.empty\tNothing here.\n' >"$dir/db/newsgroups"
  printf 'local.test 1704067200 news@netclients.invalid\n' >"$dir/db/active.times"
  : >"$dir/db/history"
  chown -R news:news "$dir"
  chmod 755 "$dir"
  (cd "$dir/db" && as_news "$ASIDE/usr/lib/news/bin/makedbz" -i -o -s 100000) >"$RUN/makedbz.log" 2>&1
}

inn_spawn() { # server program arguments...
  local name=$1 program=$2
  shift 2
  spawn "$name" setpriv --reuid=news --regid=news --clear-groups env "INNCONF=$STATE/inn/etc/inn.conf" \
    "LD_LIBRARY_PATH=$ASIDE/usr/lib/news" "$ASIDE/usr/lib/news/bin/$program" "$@"
}

run_innd() {
  make_news "$1"
  rm -f "$STATE/inn/run/innd.pid" "$STATE/inn/run/control"
  inn_spawn innd innd -f -P "$2" -4 "$1" -6 ::1
}

start_nnrpd() { # server address port arguments...
  local name=$1 address=$2 port=$3
  shift 3
  make_news "$address"
  inn_spawn "$name" nnrpd-ssl -D -f -b "$address" -p "$port" -P "$STATE/inn/run/$name.pid" "$@"
}

run_nnrpd() { start_nnrpd nnrpd "$1" "$2"; }
run_nnrpds() { start_nnrpd nnrpds "$1" "$2" -S; }
run_nnrpda() { start_nnrpd nnrpda "$1" "$2" -c "$STATE/inn/etc/readers-login.conf"; }

# ---------------------------------------------------------------- gopher

# The gopher server serves the same root as the file servers, with a process per connection, as under inetd.
socat_listen() { printf 'TCP4-LISTEN:%s,bind=%s,reuseaddr,fork,backlog=256' "$2" "$1"; }

run_gopher() {
  printf 'netclients test server\n\n0hello\t/hello.txt\n1tree\t/tree\n7find\t/find\nhlink\tURL:http://example.org/\n8telnet\tguest\texample.org\t23\n' |
    sample gopher/gophermap '2024-01-02 03:04:05 UTC'
  spawn gopher socat "$(socat_listen "$1" "$2")" \
    "EXEC:gophernicus -h $1 -p $2 -r $ROOT -nv -nu -nx -nf -nm -i 100000000 -k 1000000000 -s 1,nofork,su=nobody"
}

run_gophers() { # TLS in front of the other one
  local to
  to=$(ports_of gopher)
  spawn gophers socat "OPENSSL-LISTEN:$2,bind=$1,reuseaddr,fork,backlog=256,cert=$TLS/server.pem,verify=0" "TCP4:$1:$to"
}

# Gopher+ for the same root, with the package's own tables.
run_gopherplus() {
  local dir=$STATE/pygopherd
  mkdir -p "$dir"
  sed -e "s|^port = .*|port = $2\ninterface = $1\nservername = $1|" -e "s|^root = .*|root = $ROOT|" -e "s|^pidfile = .*|pidfile = $dir/pid|" \
    -e 's|^usechroot = .*|usechroot = no|' -e 's|^logmethod = .*|logmethod = none|' -e '/^set[ug]id *=/d' \
    -e 's|^cachetime = .*|cachetime = 0|' /etc/pygopherd/pygopherd.conf >"$dir/conf"
  chown nobody:nogroup "$dir"
  spawn gopherplus setpriv --reuid=nobody --regid=nogroup --clear-groups /usr/sbin/pygopherd "$dir/conf"
}

# ---------------------------------------------------------------- XML-RPC

run_pyxmlrpc() {
  cp "$(dirname "${BASH_SOURCE[0]}")/peers/xmlrpc_server.py" "$STATE/" && chmod 644 "$STATE/xmlrpc_server.py"
  spawn pyxmlrpc setpriv --reuid=nobody --regid=nogroup --clear-groups /usr/bin/python3 "$STATE/xmlrpc_server.py" "$1" "$2"
}

# The same immediate response to every call, so that the client dominates the time of a call.
run_fastrpc() {
  local dir=$STATE/fastrpc
  mkdir -p "$dir/tmp"
  cat >"$dir/nginx.conf" <<C
user nobody nogroup;
worker_processes 1;
pid $dir/nginx.pid;
error_log $dir/error.log;
daemon off;
events { worker_connections 512; }
http {
  access_log off;
  keepalive_requests 10000000;
  client_body_temp_path $dir/tmp/body;
  proxy_temp_path $dir/tmp/proxy;
  fastcgi_temp_path $dir/tmp/fastcgi;
  uwsgi_temp_path $dir/tmp/uwsgi;
  scgi_temp_path $dir/tmp/scgi;
  default_type text/xml;
  server {
    listen $1:$2;
    location = /RPC2 { return 200 '<?xml version="1.0"?><methodResponse><params><param><value><int>1000001</int></value></param></params></methodResponse>'; }
  }
}
C
  spawn fastrpc nginx -c "$dir/nginx.conf" -e "$dir/error.log"
}

# ---------------------------------------------------------------- install

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# A policy-rc.d that refuses keeps packages from starting their own daemons on the standard ports.
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
  install_missing $BASE_PACKAGES $TEST_PACKAGES $(packages_of_programs) $(grep -v '^+' <<<"$all")
  unpack_aside $(grep '^+' <<<"$all" | tr -d +)
}

packages_of_programs() {
  local pair
  for pair in $TEST_PROGRAMS; do command -v "${pair%=*}" >/dev/null || echo "${pair#*=}"; done
}

programs() {
  local package
  for package in $TEST_PACKAGES $PEER_PACKAGES $(awk 'NF {print $4}' <<<"$SERVERS" | tr ',' '\n' | grep -v '^+' | sort -u); do
    installed "$package" && dpkg -L "$package"
  done | sed -nE 's#^/(usr/)?s?bin/##p' | sort -u
  # Names installed by the alternatives system, by a smaller package, or from elsewhere. Not dash: it is what sh is.
  printf '%s\n' nc telnet python3 chromium chromium-browser google-chrome headless-shell node npm
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
  if answers "$address" "$port"; then echo 'FAILED: another process uses the port'; return 1; fi
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

# Only one run at a time may change servers: parallel test packages may all request them.
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
  programs) programs ;;
  *) sed -n '2,/^set/{/^#/p}' "${BASH_SOURCE[0]}"; exit 2 ;;
esac
