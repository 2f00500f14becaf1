package xmlrpc

import (
	"context"
	"errors"
	nethttp "net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/lab/labtest"
)

// TestDateTimes: JSON keeps the zone and the fraction that a server wrote, and Time
// counts them.
func TestDateTimes(t *testing.T) {
	for text, want := range map[string]struct{ json, utc string }{
		"19980717T14:08:55":             {"1998-07-17T14:08:55", "1998-07-17T14:08:55Z"},
		"2023-05-01T10:00:00+02:00":     {"2023-05-01T10:00:00+02:00", "2023-05-01T08:00:00Z"},
		"20230501T10:00:00Z":            {"2023-05-01T10:00:00Z", "2023-05-01T10:00:00Z"},
		"20230501T10:00:00.120":         {"2023-05-01T10:00:00.120", "2023-05-01T10:00:00.12Z"},
		"20230501T100000,5-0330":        {"2023-05-01T10:00:00.5-03:30", "2023-05-01T13:30:00.5Z"},
		"2023-05-01t10:00:00.000001z":   {"2023-05-01T10:00:00.000001Z", "2023-05-01T10:00:00.000001Z"},
		" 20230501T10:00:00+02 ":        {"2023-05-01T10:00:00+02:00", "2023-05-01T08:00:00Z"},
		"2023-05-01 10:00:00":           {"2023-05-01T10:00:00", "2023-05-01T10:00:00Z"},
		"20230501":                      {"2023-05-01T00:00:00", "2023-05-01T00:00:00Z"},
		"00000000T00:00:00":             {"00000000T00:00:00", ""},
		"20230501T10:00:00 Europe/Rome": {"20230501T10:00:00 Europe/Rome", ""},
	} {
		if got := JSON(DateTime(text), false); got != want.json {
			t.Errorf("%q: %v, want %s", text, got, want.json)
		}
		at, err := DateTime(text).Time()
		if want.utc == "" {
			if err == nil {
				t.Errorf("%q: %v", text, at)
			}
		} else if got := at.UTC().Format(time.RFC3339Nano); err != nil || got != want.utc {
			t.Errorf("%q: %s, %v; want %s", text, got, err, want.utc)
		}
	}
}

// TestAnyStatus: with it a fault or a value counts whatever the status of HTTP says, but a
// page that is not an answer of a method remains the error of that status.
func TestAnyStatus(t *testing.T) {
	fault, err := AppendFault(nil, &Fault{Code: 4, String: "Too many"})
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string]string{"/fault": string(fault), "/value": answer("x"), "/page": "<html>broken</html>"}
	s := httptest.NewServer(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		w.WriteHeader(nethttp.StatusInternalServerError)
		_, _ = w.Write([]byte(bodies[r.URL.Path]))
	}))
	t.Cleanup(s.Close)
	for path := range bodies {
		for _, any := range []bool{false, true} {
			c := labtest.Open(t, New, s.URL+path, nil)
			c.HTTP().Settings.AnyStatus = any
			v, err := c.Call(t.Context(), "m")
			f, isFault := errors.AsType[*Fault](err)
			status, _ := err.(*protocols.Error)
			switch {
			case any && path == "/fault" && isFault && f.Code == 4:
			case any && path == "/value" && v == "x" && err == nil:
			case (!any || path == "/page") && status != nil && status.Code == 500 && !isFault:
			default:
				t.Errorf("%s, %v: %v, %v", path, any, v, err)
			}
		}
	}
}

// rude panics when it is asked for its text.
type rude struct{}

func (rude) Error() string { panic("a secret of the program") }

// TestCodecPanics: a panic outside of the method, in its error's text for one, is a fault
// that does not say what happened.
func TestCodecPanics(t *testing.T) {
	s := httptest.NewServer(&Server{Methods: map[string]Method{"rude": {Run: func(context.Context, []any) (any, error) { return nil, rude{} }}}})
	t.Cleanup(s.Close)
	_, err := labtest.Open(t, New, s.URL, nil).Call(t.Context(), "rude")
	if f, ok := errors.AsType[*Fault](err); !ok || f.Code != CodeInternalError || strings.Contains(f.String, "secret") {
		t.Errorf("%v", err)
	}
}
