package ftp

import (
	"errors"
	"io/fs"
	"testing"

	"github.com/netclients/netclients/protocols"
)

// TestRefusals holds every code of RFC 959 section 4.2.2, RFC 2228 section 5.1
// and RFC 2428 that says no, with some that servers put into words only.
func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		code  int
		text  string
		kind  protocols.Kind
		class error
		retry bool
	}{
		{421, "Timeout", protocols.KindTemporary, nil, true},
		{421, "Too many connections", protocols.KindTemporary, protocols.ErrTooMany, true},
		{425, "", protocols.KindTemporary, nil, true},
		{426, "", protocols.KindTemporary, nil, true},
		{430, "", protocols.KindAuth, nil, true},
		{431, "", protocols.KindTLS, nil, true},
		{450, "", protocols.KindTemporary, nil, true},
		{451, "", protocols.KindTemporary, nil, true},
		{452, "", protocols.KindTemporary, nil, true},
		{500, "", protocols.KindRefused, errors.ErrUnsupported, false},
		{501, "", protocols.KindRefused, nil, false},
		{502, "", protocols.KindRefused, errors.ErrUnsupported, false},
		{503, "", protocols.KindRefused, nil, false},
		{504, "", protocols.KindRefused, errors.ErrUnsupported, false},
		{521, "", protocols.KindTLS, nil, false},
		{522, "session reuse required", protocols.KindTLS, nil, false},
		{522, "Network protocol not supported, use (1)", protocols.KindRefused, errors.ErrUnsupported, false},
		{530, "Login incorrect", protocols.KindAuth, nil, false},
		{530, "Maximum number of sessions reached", protocols.KindTemporary, protocols.ErrTooMany, true},
		{532, "", protocols.KindAuth, nil, false},
		{533, "", protocols.KindTLS, nil, false},
		{534, "", protocols.KindTLS, nil, false},
		{535, "", protocols.KindTLS, nil, false},
		{536, "", protocols.KindTLS, nil, false},
		{537, "", protocols.KindTLS, nil, false},
		{550, "No such file", protocols.KindRefused, fs.ErrNotExist, false},
		{550, "Permission denied", protocols.KindRefused, fs.ErrPermission, false},
		{550, "File exists", protocols.KindRefused, fs.ErrExist, false},
		{551, "", protocols.KindRefused, nil, false},
		{552, "", protocols.KindRefused, nil, false},
		{553, "", protocols.KindRefused, nil, false},
		{553, "Permission denied", protocols.KindRefused, fs.ErrPermission, false},
		{299, "", protocols.KindProtocol, nil, false},
	} {
		e := refusal(&protocols.Reply{Code: tt.code, Lines: []string{tt.text}})
		if e.Kind != tt.kind || e.Retryable != tt.retry || e.Code != tt.code || tt.class == nil && e.Sentinel != nil || tt.class != nil && !errors.Is(e, tt.class) {
			t.Errorf("%d %s: kind %v, class %v, retryable %v; want %v, %v, %v", tt.code, tt.text, e.Kind, e.Sentinel, e.Retryable, tt.kind, tt.class, tt.retry)
		}
	}
}
