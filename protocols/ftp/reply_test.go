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
		{421, "Timeout", protocols.Temporary, nil, true},
		{421, "Too many connections", protocols.Temporary, protocols.ErrTooMany, true},
		{425, "", protocols.Temporary, nil, true},
		{426, "", protocols.Temporary, nil, true},
		{430, "", protocols.Auth, nil, true},
		{431, "", protocols.TLSFailure, nil, true},
		{450, "", protocols.Temporary, nil, true},
		{451, "", protocols.Temporary, nil, true},
		{452, "", protocols.Temporary, nil, true},
		{500, "", protocols.Refused, errors.ErrUnsupported, false},
		{501, "", protocols.Refused, nil, false},
		{502, "", protocols.Refused, errors.ErrUnsupported, false},
		{503, "", protocols.Refused, nil, false},
		{504, "", protocols.Refused, errors.ErrUnsupported, false},
		{521, "", protocols.TLSFailure, nil, false},
		{522, "session reuse required", protocols.TLSFailure, nil, false},
		{522, "Network protocol not supported, use (1)", protocols.Refused, errors.ErrUnsupported, false},
		{530, "Login incorrect", protocols.Auth, nil, false},
		{530, "Maximum number of sessions reached", protocols.Temporary, protocols.ErrTooMany, true},
		{532, "", protocols.Auth, nil, false},
		{533, "", protocols.TLSFailure, nil, false},
		{534, "", protocols.TLSFailure, nil, false},
		{535, "", protocols.TLSFailure, nil, false},
		{536, "", protocols.TLSFailure, nil, false},
		{537, "", protocols.TLSFailure, nil, false},
		{550, "No such file", protocols.Refused, fs.ErrNotExist, false},
		{550, "Permission denied", protocols.Refused, fs.ErrPermission, false},
		{550, "File exists", protocols.Refused, fs.ErrExist, false},
		{551, "", protocols.Refused, nil, false},
		{552, "", protocols.Refused, nil, false},
		{553, "", protocols.Refused, nil, false},
		{553, "Permission denied", protocols.Refused, fs.ErrPermission, false},
		{299, "", protocols.Protocol, nil, false},
	} {
		e := refusal(&protocols.Reply{Code: tt.code, Lines: []string{tt.text}})
		if e.Kind != tt.kind || e.Retryable != tt.retry || e.Code != tt.code || tt.class == nil && e.Class != nil || tt.class != nil && !errors.Is(e, tt.class) {
			t.Errorf("%d %s: kind %v, class %v, retryable %v; want %v, %v, %v", tt.code, tt.text, e.Kind, e.Class, e.Retryable, tt.kind, tt.class, tt.retry)
		}
	}
}
