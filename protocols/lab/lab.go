// Package lab is the front door to the embedded servers for tests and
// demonstrations. Each server runs inside the process, listens on a loopback
// address, serves content in memory and misbehaves on request:
//
//	s, err := lab.StartFTP(lab.FTPOptions{Tree: lab.Sample()})
//	...
//	defer s.Close()
//
// The names here are those of the packages below it, all in one place. A program
// that wants one family of servers alone imports that family, and links no other:
// lab/ftplab, lab/maillab (SMTP, LMTP, POP3, IMAP), lab/newslab, lab/weblab (HTTP,
// XML-RPC), lab/textlab (Telnet, Gopher), lab/socklab (simple services, proxies),
// with lab/base, which has what they share. Package lab/labtest starts them in
// tests.
package lab

import (
	"crypto/tls"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/service"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// What every server can do, takes and serves.
type (
	// Server is what every server can do.
	Server = base.Server
	// ServerOptions are what every server takes; the options of each embed them.
	ServerOptions = base.ServerOptions
	// Credentials are a login that a server takes.
	Credentials = base.Credentials
	// TLSMode says how a server uses TLS.
	TLSMode = base.TLSMode
	// Authority issues the certificates that servers present.
	Authority = base.Authority
	// Tree holds the files that several servers serve.
	Tree = base.Tree
	// File is an open file of a tree.
	File = base.File
	// Info describes a file of a tree.
	Info = base.Info
	// Generator makes the content of a virtual file.
	Generator = base.Generator
	// Fault is one way in which a server goes wrong.
	Fault = base.Fault
	// Faults are the faults of a server.
	Faults = base.Faults
	// FaultKind names a fault.
	FaultKind = base.FaultKind
	// Scope says which connections a fault is for.
	Scope = base.Scope
)

// All servers together, as the command netclients lab has them.
type (
	// Options configure Start.
	Options = service.Options
	// Service is what Start returns: its Handler is the page with the REST interface.
	Service = service.Service
	// Running is a server of a Service.
	Running = service.Running
	// MailStoreOptions configure NewMailStore.
	MailStoreOptions = maillab.StoreOptions
)

// How a server uses TLS.
const (
	TLSNone     = base.TLSNone
	TLSExplicit = base.TLSExplicit
	TLSRequired = base.TLSRequired
	TLSImplicit = base.TLSImplicit
)

// The ways in which a server goes wrong, and where.
const (
	FaultCut       = base.FaultCut
	FaultClose     = base.FaultClose
	FaultStall     = base.FaultStall
	FaultSlow      = base.FaultSlow
	FaultSplit     = base.FaultSplit
	FaultDelay     = base.FaultDelay
	FaultTruncate  = base.FaultTruncate
	FaultRefuse    = base.FaultRefuse
	FaultMax       = base.FaultMax
	FaultCode      = base.FaultCode
	FaultInject    = base.FaultInject
	FaultGarbage   = base.FaultGarbage
	FaultEndless   = base.FaultEndless
	FaultMultiline = base.FaultMultiline
	FaultHang      = base.FaultHang
	FaultDrop      = base.FaultDrop
	FaultReset     = base.FaultReset
	ScopeBoth      = base.ScopeBoth
	ScopeControl   = base.ScopeControl
	ScopeData      = base.ScopeData
	PointGreeting  = base.PointGreeting
	PointTLS       = base.PointTLS
	PointEnd       = base.PointEnd
)

// The options of the servers, and the servers.
type (
	// FTPOptions configure StartFTP.
	FTPOptions = ftplab.Options
	// FTPServer is what StartFTP returns.
	FTPServer = ftplab.Server
	// SMTPOptions configure StartSMTP.
	SMTPOptions = maillab.SMTPOptions
	// SMTPServer is what StartSMTP returns.
	SMTPServer = maillab.SMTPServer
	// POP3Options configure StartPOP3.
	POP3Options = maillab.POP3Options
	// POP3Server is what StartPOP3 returns.
	POP3Server = maillab.POP3Server
	// IMAPOptions configure StartIMAP.
	IMAPOptions = maillab.IMAPOptions
	// IMAPServer is what StartIMAP returns.
	IMAPServer = maillab.IMAPServer
	// Mailboxes are the store behind SMTP, POP3 and IMAP.
	Mailboxes = maillab.Mailboxes
	// MailLimits bound what mailboxes keep.
	MailLimits = maillab.Limits
	// NNTPOptions configure StartNNTP.
	NNTPOptions = newslab.Options
	// NNTPServer is what StartNNTP returns.
	NNTPServer = newslab.Server
	// News holds groups and articles.
	News = newslab.Spool
	// HTTPOptions configure StartHTTP.
	HTTPOptions = weblab.HTTPOptions
	// HTTPServer is what StartHTTP returns.
	HTTPServer = weblab.HTTPServer
	// XMLRPCOptions configure StartXMLRPC.
	XMLRPCOptions = weblab.XMLRPCOptions
	// XMLRPCServer is what StartXMLRPC returns.
	XMLRPCServer = weblab.XMLRPCServer
	// TelnetOptions configure StartTelnet.
	TelnetOptions = textlab.TelnetOptions
	// TelnetServer is what StartTelnet returns.
	TelnetServer = textlab.TelnetServer
	// GopherOptions configure StartGopher.
	GopherOptions = textlab.GopherOptions
	// GopherServer is what StartGopher returns.
	GopherServer = textlab.GopherServer
	// SimpleOptions configure StartSimple.
	SimpleOptions = socklab.Options
	// SimpleServer is what StartSimple returns.
	SimpleServer = socklab.Server
	// ProxyOptions configure a proxy of lab/socklab.
	ProxyOptions = socklab.ProxyOptions
)

// Start starts all servers, or some, with one login, one store of mail and one page. The
// caller closes what it returns.
func Start(o Options) (*Service, error) { return service.Start(o) }

// NewMailStore makes a store for StartSMTP, StartPOP3 and StartIMAP: in memory or in a
// folder, for some users or for everybody.
func NewMailStore(o MailStoreOptions) (*Mailboxes, error) { return maillab.NewStore(o) }

// OpenTree returns a tree of the files of a folder. The caller closes it.
func OpenTree(dir string) (*Tree, error) { return base.OpenTree(dir) }

// StartFTP starts an FTP server. The caller closes it.
func StartFTP(o FTPOptions) (*FTPServer, error) { return ftplab.Start(o) }

// StartSMTP starts an SMTP, submission or LMTP server. The caller closes it.
func StartSMTP(o SMTPOptions) (*SMTPServer, error) { return maillab.StartSMTP(o) }

// StartPOP3 starts a POP3 server. The caller closes it.
func StartPOP3(o POP3Options) (*POP3Server, error) { return maillab.StartPOP3(o) }

// StartIMAP starts an IMAP server. The caller closes it.
func StartIMAP(o IMAPOptions) (*IMAPServer, error) { return maillab.StartIMAP(o) }

// StartNNTP starts a news server. The caller closes it.
func StartNNTP(o NNTPOptions) (*NNTPServer, error) { return newslab.Start(o) }

// StartHTTP starts an HTTP and WebDAV server. The caller closes it.
func StartHTTP(o HTTPOptions) (*HTTPServer, error) { return weblab.StartHTTP(o) }

// StartXMLRPC starts an XML-RPC server. The caller closes it.
func StartXMLRPC(o XMLRPCOptions) (*XMLRPCServer, error) { return weblab.StartXMLRPC(o) }

// StartTelnet starts a Telnet server. The caller closes it.
func StartTelnet(o TelnetOptions) (*TelnetServer, error) { return textlab.StartTelnet(o) }

// StartGopher starts a Gopher server. The caller closes it.
func StartGopher(o GopherOptions) (*GopherServer, error) { return textlab.StartGopher(o) }

// StartSimple starts the simple services: echo, discard, daytime, chargen. The
// caller closes it.
func StartSimple(o SimpleOptions) (*SimpleServer, error) { return socklab.Start(o) }

// NewAuthority makes a certificate authority whose certificates the servers present.
func NewAuthority() (*Authority, error) { return base.NewAuthority() }

// ParseFaults reads the grammar of --fault.
func ParseFaults(spec string) (Faults, error) { return base.ParseFaults(spec) }

// DefaultCredentials returns the login that every server takes unless told otherwise.
func DefaultCredentials() Credentials { return base.DefaultCredentials() }

// PEM returns a certificate and its key as PEM text.
func PEM(c tls.Certificate) (cert, key []byte, err error) { return base.PEM(c) }

// NewTree returns an empty tree of files, to be served.
func NewTree() *Tree { return base.NewTree() }

// Sample returns a tree with a few files.
func Sample() *Tree { return base.Sample() }

// Pattern returns a generator whose bytes follow from seed and position.
func Pattern(seed uint64) Generator { return base.Pattern(seed) }
