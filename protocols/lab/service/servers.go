package service

import (
	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/ftplab"
	"github.com/netclients/netclients/protocols/lab/journal"
	"github.com/netclients/netclients/protocols/lab/maillab"
	"github.com/netclients/netclients/protocols/lab/newslab"
	"github.com/netclients/netclients/protocols/lab/socklab"
	"github.com/netclients/netclients/protocols/lab/textlab"
	"github.com/netclients/netclients/protocols/lab/weblab"
)

// row is a server of the lab.
type row struct {
	protocol string
	port     int  // of Options.Fixed
	tls      bool // there with Options.TLS only: TLS from the first byte
	upgrades bool // offers TLS after the greeting with Options.TLS
	noLogin  bool
	start    func(s *Service, o base.ServerOptions, protocol string) (base.Server, error)
}

// rows is the table of servers. The ports need no
// privilege.
var rows = []row{
	{protocol: "ftp", port: 2121, upgrades: true, start: startFTP},
	{protocol: "ftps", port: 1990, tls: true, start: startFTP},
	{protocol: "xmlrpc", port: 8081, start: startXMLRPC},
	{protocol: "gopher", port: 7070, start: startGopher},
	{protocol: "http", port: 8080, start: startHTTP},
	{protocol: "https", port: 8443, tls: true, start: startHTTP},
	{protocol: "imap", port: 1143, upgrades: true, start: startIMAP},
	{protocol: "imaps", port: 1993, tls: true, start: startIMAP},
	{protocol: "nntp", port: 1119, upgrades: true, start: startNNTP},
	{protocol: "nntps", port: 1563, tls: true, start: startNNTP},
	{protocol: "pop3", port: 1110, upgrades: true, start: startPOP3},
	{protocol: "pop3s", port: 1995, tls: true, start: startPOP3},
	{protocol: "tcp", port: 7007, noLogin: true, start: startSocket},
	{protocol: "telnet", port: 2323, start: startTelnet},
	{protocol: "unix", noLogin: true, start: startSocket},
	{protocol: "udp", port: 7007, noLogin: true, start: startSocket},
	{protocol: "smtp", port: 1025, upgrades: true, start: startSMTP},
	{protocol: "smtps", port: 1465, tls: true, start: startSMTP},
	{protocol: "lmtp", port: 1024, upgrades: true, start: startSMTP},
	{protocol: "submission", port: 1587, upgrades: true, start: startSMTP},
}

// Protocols returns the names of all servers, in the order in which they are listed.
func Protocols() []string {
	var names []string
	for _, r := range rows {
		names = append(names, r.protocol)
	}
	return names
}

// FixedPort returns the port that a server has with Options.Fixed; 0 for one without.
func FixedPort(protocol string) int {
	for _, r := range rows {
		if r.protocol == protocol {
			return r.port
		}
	}
	return 0
}

func startFTP(s *Service, o base.ServerOptions, protocol string) (base.Server, error) {
	return ftplab.Start(ftplab.Options{ServerOptions: o, Tree: s.tree, OnUpload: s.stored(protocol)})
}

func startXMLRPC(s *Service, o base.ServerOptions, protocol string) (base.Server, error) {
	return weblab.StartXMLRPC(weblab.XMLRPCOptions{ServerOptions: o, Hosts: s.opt.Hosts, OnRequest: s.requested(protocol)})
}

func startGopher(s *Service, o base.ServerOptions, _ string) (base.Server, error) {
	return textlab.StartGopher(textlab.GopherOptions{ServerOptions: o, Tree: s.tree, Plus: true, Behind: map[string][]string{"": {"7Search\t/search"}}})
}

func startHTTP(s *Service, o base.ServerOptions, protocol string) (base.Server, error) {
	return weblab.StartHTTP(weblab.HTTPOptions{ServerOptions: o, Tree: s.tree, Hosts: s.opt.Hosts, OnUpload: s.stored(protocol), OnRequest: s.requested(protocol)})
}

func startIMAP(s *Service, o base.ServerOptions, _ string) (base.Server, error) {
	return maillab.StartIMAP(maillab.IMAPOptions{ServerOptions: o, Mail: s.mail})
}

func startPOP3(s *Service, o base.ServerOptions, _ string) (base.Server, error) {
	return maillab.StartPOP3(maillab.POP3Options{ServerOptions: o, Mail: s.mail})
}

func startSMTP(s *Service, o base.ServerOptions, protocol string) (base.Server, error) {
	return maillab.StartSMTP(maillab.SMTPOptions{
		ServerOptions: o, Mail: s.mail, LMTP: protocol == "lmtp", Submission: protocol == "submission", MaxBytes: s.opt.MaxMessage,
	})
}

func startNNTP(s *Service, o base.ServerOptions, _ string) (base.Server, error) {
	return newslab.Start(newslab.Options{ServerOptions: o, News: s.news, OnPost: s.posted})
}

func startSocket(_ *Service, o base.ServerOptions, protocol string) (base.Server, error) {
	return socklab.Start(socklab.Options{ServerOptions: o, Network: protocol})
}

func startTelnet(_ *Service, o base.ServerOptions, _ string) (base.Server, error) {
	return textlab.StartTelnet(textlab.TelnetOptions{ServerOptions: o})
}

// stored returns what notes a file that a server has stored.
func (s *Service) stored(protocol string) func(string) {
	return func(path string) {
		f := journal.File{Protocol: protocol, Path: path}
		if i, err := s.tree.Stat(path); err == nil {
			f.Size, f.Time = i.Size, i.ModTime
		}
		s.journal.AddFile(f)
	}
}

// requested returns what notes a request that a server has answered.
func (s *Service) requested(protocol string) func(weblab.Request) {
	return func(r weblab.Request) {
		s.journal.AddRequest(journal.Request{
			Time: r.Time, Protocol: protocol, Took: r.Took, Remote: r.Remote, Method: r.Method, URI: r.URI, Proto: r.Proto,
			Host: r.Host, Header: r.Header, Body: r.Body, Bytes: r.Bytes, Status: r.Status,
		})
	}
}
