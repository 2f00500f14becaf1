package protocols

import "strconv"

// Kind says in one word why an operation failed. Its number is the exit code of
// the command line.
type Kind int

// The kinds of failure, in the order of their exit codes.
const (
	KindOK          Kind = 0
	KindInternal    Kind = 1   // anything that is not one of those below
	KindUsage       Kind = 2   // wrong flags, arguments, URL; a verb that a protocol has not
	KindConnect     Kind = 3   // name not resolved, refused, unreachable, proxy refused
	KindTLS         Kind = 4   // handshake, certificate, TLS asked for but not offered
	KindAuth        Kind = 5   // login refused, no credentials, refused to send them in clear
	KindRefused     Kind = 6   // the server's permanent no; not found is among them
	KindTemporary   Kind = 7   // the server's temporary no
	KindTimeout     Kind = 8   // connect, idle or whole
	KindProtocol    Kind = 9   // the answer breaks the protocol, is cut short, or passes a limit
	KindPartial     Kind = 10  // some items done, some failed
	KindLocal       Kind = 11  // the local file system or standard output
	KindInterrupted Kind = 130 // the user's Ctrl-C, or a cancelled context
)

var kindNames = map[Kind]string{
	KindOK: "ok", KindInternal: "internal", KindUsage: "usage", KindConnect: "connect", KindTLS: "tls", KindAuth: "auth",
	KindRefused: "refused", KindTemporary: "temporary", KindTimeout: "timeout", KindProtocol: "protocol", KindPartial: "partial",
	KindLocal: "local", KindInterrupted: "interrupted",
}

// String returns the word used in JSON output, such as "connect".
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return "kind " + strconv.Itoa(int(k))
}

// Exit returns the exit code of a command that ended with this kind, 0 to 255.
func (k Kind) Exit() int { return int(k) }

// kindNamed returns the kind of a word of [Kind.String], or Internal.
func kindNamed(s string) Kind {
	for k, name := range kindNames {
		if name == s {
			return k
		}
	}
	return KindInternal
}
