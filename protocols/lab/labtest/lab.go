package labtest

import (
	"crypto/tls"
	"testing"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/service"
)

// LabServer is what Lab starts: all servers, as netclients lab has them, with the page
// and the REST interface.
type LabServer struct {
	*service.Service                   // Mail, Journal, Tree, SetFaults, Handler, ...
	URLs             map[string]string // with the login, by protocol; "ui" is the page
	Options          *protocols.Options
}

// Lab starts the servers without sample mail, each on a loopback port, with the page. They
// end with the test. change changes the options.
//
//	l := labtest.Lab(t, func(o *service.Options) { o.Only = []string{"smtp", "imap", "http"} })
func Lab(t testing.TB, change ...func(*service.Options)) *LabServer {
	t.Helper()
	o := service.Options{UI: ":0", NoSamples: true}
	for _, f := range change {
		f(&o)
	}
	s := Start(t, service.Start, o)
	l := &LabServer{Service: s, URLs: map[string]string{}, Options: &protocols.Options{}}
	for _, r := range s.Servers() {
		l.URLs[r.Protocol] = r.Full()
	}
	if a := s.Authority(); a != nil {
		l.Options.TLS.Config = &tls.Config{RootCAs: a.Pool()}
	}
	return l
}
