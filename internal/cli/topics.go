package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/imap"
)

// topic is a page of `netclients help` that is about no command.
type topic struct {
	name, short string
	text        func(a *app) string
}

// topics are in the order in which they are read.
func topics() []topic {
	return []topic{
		{"flags", "the flags that work everywhere", (*app).flagHelp},
		{"urls", "what a URL of each protocol looks like", page(urlsPage)},
		{"login", "where names and passwords come from", page(loginPage)},
		{"config", "the configuration file and its profiles", page(configPage)},
		{"search", "the words of a search for mail", page(imap.QueryLanguage)},
		{"json", "the objects that --json prints", page(jsonPage)},
		{"faults", "how the servers of the lab can be made to misbehave", page(faultsPage)},
		{"talk", "the scripts of run: send and expect", page(expect.Language)},
		{"exit", "exit codes", func(*app) string { return exitPage() }},
	}
}

func page(text string) func(*app) string { return func(*app) string { return text } }

// topicList is for the overview and the usage line.
func topicList() string {
	var b strings.Builder
	for _, t := range topics() {
		fmt.Fprintf(&b, "\n  %-11s %s", t.name, t.short)
	}
	return b.String()
}

const urlsPage = `A target is a URL. After the name of a protocol it may lack its scheme: "netclients ftp ls host/pub/".
Ports are numbers or names of services; hosts are names (in any script), IPv4 or [IPv6] addresses; the short forms of
IPv4 ("127.1", "0x7f.1") are for tcp, udp and lookup only.

  http, https    as usual
  ftp            ftp://user@host/path       path relative to the login folder; /%2Fetc is /etc
  ftpes, ftps                               TLS required; TLS from the first byte
  smtp, smtps    smtp://user@host           submission://host is port 587; lmtp:///path/to/socket
  mailto         mailto:a@host?subject=Hi   recipients and headers for "send"; SMTPSERVER names the server
  pop3, pop3s    pop3://user@host/5         message 5; /;UID=x is the message with that unique id
  imap, imaps    imap://user@host/INBOX     a mailbox; /INBOX;UID=5 a message, /INBOX;UID=5/;SECTION=1.2 a part,
                                            /INBOX;UID=1:9,12 several, /INBOX?SUBJECT%20x a search
  nntp, nntps    nntp://host/group/57       an article; /group/57-99 a range; /<id@host> by message-id
  news           news:group                 on the server that NNTPSERVER names
  gopher(s)      gopher://host/1/selector   the first letter is the item type; %09words is a search
  telnet(s)      telnet://user@host
  tcp, tls, udp  tcp://host:port
  unix           unix:///path/to/socket     unix:@name is an abstract one
  maildir, mbox  maildir:DIR, mbox:FILE     mail on this machine
  file           file:///path, or the path  files on this machine

"netclients protocols" lists schemes with their ports.

--proxy, and http_proxy and the like in the environment, name a proxy; --noproxy and no_proxy the hosts to go to without
one. --proxy-command 'ssh gate nc %h %p' runs a command in the place of each connection, for all protocols; also for a
server behind a command, such as --proxy-command 'ssh host imapd' for IMAP. What a command leads to is not taken for
this machine: a password goes there with TLS only, or with --allow-plaintext-auth.
`

const loginPage = `A password is never the value of a flag, where others could see it. It comes from the first of these that has it:

  1. the URL                       ftp://user:password@host/
  2. --password-file FILE or -, --password-command CMD, with the name from --user
  3. the variable NETCLIENTS_PASSWORD
  4. the profile                   see "netclients help config"
  5. what "netclients login" keeps, a password or a token; see "netclients login --list"
     the system keyring            service "netclients", user "SCHEME://USER@HOST:PORT", without the port where it is the
                                   scheme's default; NETCLIENTS_KEYRING=off skips it
  6. .netrc                        --netrc-file, NETRC, or ~/.netrc
  7. a prompt, on a terminal

--token-file FILE and --token-command CMD give a bearer token in place of a password (OAUTHBEARER, XOAUTH2, HTTP
Bearer). A user without any password is an error: an empty one is sent only for "user:@" in the URL.

A password goes only to the server it is for: that of a profile or keyring entry to its scheme, host and port. In a copy
between two servers, the login of the flags and of NETCLIENTS_PASSWORD goes to the one whose URL names the user.

A proxy's user stands in the proxy's URL; its password is looked for in the keyring ("socks5://USER@PROXYHOST"), in
.netrc under the proxy's host, and by a prompt. The password of an encrypted key of --cert: --key-password-file.

The strongest mechanism that both sides have is used; --auth NAME takes one and no other.
A secret is never sent without TLS to a host that is not this machine: add --tls require, or --allow-plaintext-auth
where nothing better is possible. Traces show *** in its place.
`

const configPage = `Servers that are used often get a profile in ~/.config/netclients/config.toml (NETCLIENTS_CONFIG names another file):

  [profile.work]
  url              = "imaps://ann@mail.example.org/INBOX"
  password_command = "pass show mail/work"

  [profile.site]
  url        = "ftp://deploy@www.example.org/htdocs/"
  tls        = "require"
  parallel   = 8

  netclients ls --profile work
  netclients sync site/ ftp://www.example.org/htdocs/ --profile site

The profile's URL stands for a target that is not given, its other keys for flags that are not given. The keys are
url, user, password_command, password_file, token_file, token_command, and the flags that work everywhere with _ for - (tls, ca_file,
proxy, timeout, retries, limit_rate, ...). A password itself does not belong in the file.
`

const jsonPage = `With --json each result is one JSON object on a line of its own; --jq EXPR puts each through a jq expression.
--json=name,size prints these keys only, in this order, and leaves out objects that have none of them. --template
prints each object by a template of Go's text/template, as in '{{.name}}\t{{.size}}': a key that is not there is nothing,
and the functions are json, join SEP, upper, lower, truncate N, pad N and timefmt LAYOUT.
Keys are there when their values are known; known to be none is 0 or an empty list ("high":0, "flags":[]).

  ls, search, over   protocol url name path type size modified mode target; of messages number uid message_id from to
                     subject date flags; of groups and mailboxes count low high posting
                     type: file dir link message mailbox group menu search binary image html info other
  get put cp sync    protocol source destination bytes seconds resumed_at status error
                     status: done skipped deleted failed; sync ends with {"summary":{...}}
  send               protocol url message_id bytes reply recipients:[address accepted code enhanced text]
  run                url step line action ok pattern matched received sent captures:{name:text} seconds error;
                     of print url line action text
  connect, listen    time event id local remote bytes text hex sent received error
                     event: listening connected sent received closed
  caps               name params
  raw                command code text:[lines]
  rm, mv --dry-run   protocol would path to
  probe              url up phase status resolve_ms connect_ms tls_ms greeting_ms login_ms total_ms tls_version
                     cert_not_after cipher alpn cert_subject cert_issuer cert_names cert_sha256 pin address greeting error

An error is one object on standard error: {"error":{protocol op url kind code enhanced message retryable}};
"kind" is the word in "netclients help exit".
`

const faultsPage = `--fault SPEC is a list of faults with commas between. Each is [SCOPE.]KIND[:VERB][=VALUE][~PERCENT%][*TIMES]: the scope
is ctl or data, else both; PERCENT is at how many of a hundred it happens, by chance, and TIMES how often it happens at
most. Sizes take k M G. In texts a comma is written \, and \r \n \e \0 \* \~ stand for what they name.

Of a connection, counted in bytes that the server has written:

  cut=BYTES            reset                       close=BYTES       ended in good order
  stall=BYTES:DUR      silence for a while         slow=BYTES        so many bytes a second
  split=BYTES          writes in such pieces       delay=DUR         a wait before each reply
  truncate=BYTES       a transfer that ends early and is called complete
  refuse               new connections are reset   max=N             more clients than N are told no

At a command, or at greeting, tls or end (the reply after a transfer); * is any command:

  code:VERB=TEXT       this reply; the command is not carried out
  inject:VERB=TEXT     the right reply, and TEXT as a line after it
  garbage:VERB         bytes that are no reply
  endless:VERB         a line without an end       multiline:VERB    a reply without an end
  hang:VERB            silence for ever            drop:VERB         the connection ends
  reset:VERB           the connection is reset

  netclients lab --fault 'delay=50ms,data.cut=64k' -- make check
  netclients lab --fault 'code:RCPT=450 4.7.1 Greylisted*1' -- ./send-report
  netclients lab --fault 'smtp.code:RCPT=450 later,ftp.data.cut=64k' -- make check   one server each
`

// exitCodes says when a command ends with which kind.
var exitCodes = []struct {
	kind protocols.Kind
	when string
}{
	{protocols.KindOK, "all done"},
	{protocols.KindInternal, "any other error"},
	{protocols.KindUsage, "wrong flags, arguments or URL; a verb the protocol does not support"},
	{protocols.KindConnect, "name not resolved, connection refused, host unreachable, proxy refused"},
	{protocols.KindTLS, "handshake, certificate, TLS asked for but not offered"},
	{protocols.KindAuth, "login refused, no credentials, or refused to send them unencrypted"},
	{protocols.KindRefused, "the server's permanent no; not found is among them"},
	{protocols.KindTemporary, "the server's temporary no, after the retries"},
	{protocols.KindTimeout, "while connecting, without data, or of the whole command"},
	{protocols.KindProtocol, "the reply violates the protocol, is truncated, or exceeds a limit"},
	{protocols.KindPartial, "some items done, some failed; each is named"},
	{protocols.KindLocal, "the local file system, or standard output"},
	{protocols.KindInterrupted, "Ctrl-C; partial files are kept for --continue"},
}

func exitPage() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, e := range exitCodes {
		fmt.Fprintf(w, "%4d\t%s\t%s\n", e.kind.Exit(), e.kind, e.when)
	}
	_ = w.Flush()
	return b.String()
}
