package protocoltest

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// lawErrors: what is not there, a login that is refused, and a server that is
// down have the kinds that callers ask for.
func lawErrors(t *testing.T, h *Harness) {
	ctx, s, c := h.live(t)
	tr := &trial{t: t, h: h, where: "live"}
	for _, v := range verbs {
		switch v.name {
		case "List", "Stat", "Get", "BulkGet", "Remove", "Move from", "Unmake":
			has, err := v.call(ctx, c, s.Missing)
			if !has {
				continue
			}
			if !errors.Is(err, fs.ErrNotExist) || protocols.KindOf(err) != protocols.KindRefused {
				t.Errorf("%s of a name that is not there: kind %v: %v", v.name, protocols.KindOf(err), err)
				continue
			}
			tr.checkError(err)
		}
	}
	h.wrongPassword(ctx, t, s)
	down := h.open(t, s.URL, &protocols.Options{Dial: func(_ context.Context, _, address string) (net.Conn, error) {
		return nil, refusedDial(address)
	}})
	r, err := down.Probe(ctx)
	if protocols.KindOf(err) != protocols.KindConnect || !protocols.IsRetryable(err) || r == nil || r.Up || r.Phase != "connect" {
		t.Errorf("a server that is down: kind %v, report %+v: %v", protocols.KindOf(err), r, err)
	}
	tr.checkError(err)
}

func (h *Harness) wrongPassword(ctx context.Context, t *testing.T, s *Server) {
	o := protocols.Options{}
	if s.Options != nil {
		o = *s.Options
	}
	o.ProbeLogin = true
	o.Credentials = func(_ context.Context, r protocols.CredentialRequest) (protocols.Credential, error) {
		return protocols.Credential{User: "somebody", Password: h.Secret + "-wrong"}, nil
	}
	tr := &trial{t: t, h: h, where: "wrong password"}
	o.Trace = tr.trace
	tr.client = h.open(t, s.URL, &o)
	tr.player = NewPlayer(&Script{})
	_, err := tr.call(ctx, Probe())
	if protocols.KindOf(err) != protocols.KindAuth {
		t.Errorf("a wrong password: kind %v: %v", protocols.KindOf(err), err)
	}
	tr.end()
}
