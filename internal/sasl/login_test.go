package sasl

import (
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/netclients/netclients/protocols"
)

var (
	errRefused     = &protocols.Error{Kind: protocols.KindAuth, Code: 535, Text: "no"}
	errUnknown     = &protocols.Error{Kind: protocols.KindRefused, Sentinel: errors.ErrUnsupported, Code: 504, Text: "what?"}
	errLater       = &protocols.Error{Kind: protocols.KindTemporary, Code: 454, Text: "later"}
	errHungUp      = &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Err: io.ErrUnexpectedEOF}
	allMechanisms  = []string{"PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "SCRAM-SHA-1"}
	mailMechanisms = []string{"PLAIN", "SCRAM-SHA-256"}
)

// party is a server that answers each way in its own manner.
type party struct {
	says   map[string]error    // to a way; nil: logged in
	asks   map[string][]string // challenges of a mechanism, before it says that
	tried  []string
	failed error
	asking []string
	at     string
}

func (p *party) decide() (Answer, error) {
	if len(p.asking) > 0 {
		c := p.asking[0]
		p.asking = p.asking[1:]
		return Answer{More: true, Challenge: base64.StdEncoding.EncodeToString([]byte(c))}, nil
	}
	err := p.says[p.at]
	if err == error(errHungUp) {
		return Answer{}, p.fail(err)
	}
	return Answer{Err: err}, nil
}

func (p *party) fail(err error) error {
	if p.failed == nil {
		p.failed = err
	}
	return err
}

// login makes a login at p; others are the names of ways that are no SASL.
func (p *party) login(offered []string, trusted bool, others ...Way) *Login {
	l := &Login{Config: Config{Credential: alice}, Offered: offered, Trusted: trusted, Hide: func(...string) {}}
	l.Exchange = Exchange{
		MaxInitial: 1000, Fail: p.fail, Failed: func() error { return p.failed },
		Start: func(mechanism, _ string, _ bool) (Answer, error) {
			p.tried, p.at, p.asking = append(p.tried, mechanism), mechanism, slices.Clone(p.asks[mechanism])
			return p.decide()
		},
		Respond: func(response string) (Answer, error) {
			if response == "*" {
				return Answer{Err: errRefused}, nil
			}
			return p.decide()
		},
	}
	for _, w := range others {
		w.Try = func() error {
			p.tried, p.at = append(p.tried, w.Name), w.Name
			a, err := p.decide()
			if err == nil {
				err = a.Err
			}
			return err
		}
		l.Others = append(l.Others, w)
	}
	return l
}

// TestWaysAfterOneAnother: what is tried after a refusal, and what is not.
func TestWaysAfterOneAnother(t *testing.T) {
	user, apop := Way{Name: "USER"}, Way{Name: "APOP", Proof: true}
	no := func(names ...string) map[string]error {
		m := map[string]error{}
		for _, n := range names {
			m[n] = errRefused
		}
		return m
	}
	scram := map[string]error{"SCRAM-SHA-256": errUnknown}
	tests := []struct {
		name    string
		offered []string
		others  []Way
		says    map[string]error
		asks    map[string][]string
		trusted bool
		asked   string
		tried   string
		kind    protocols.Kind
	}{
		{"right at once", allMechanisms, nil, nil, map[string][]string{"SCRAM-SHA-256": nil}, true, "PLAIN", "PLAIN", 0},
		{"a proof refused: the password itself", allMechanisms, nil, no("SCRAM-SHA-256"), nil, true, "", "SCRAM-SHA-256 PLAIN", 0},
		{"refused twice: no third time", allMechanisms, nil, no("SCRAM-SHA-256", "PLAIN", "LOGIN"), nil, true, "", "SCRAM-SHA-256 PLAIN", protocols.KindAuth},
		{"two in all, ways that are no SASL too", mailMechanisms, []Way{{Name: "LOGIN"}}, no("SCRAM-SHA-256", "PLAIN", "LOGIN"), nil, true, "", "SCRAM-SHA-256 PLAIN", protocols.KindAuth},
		{"one of two is left for such a way", []string{"SCRAM-SHA-256"}, []Way{user}, no("SCRAM-SHA-256"), nil, true, "", "SCRAM-SHA-256 USER", 0},
		{"APOP, then USER, then no more", nil, []Way{apop, user, {Name: "RPOP"}}, no("APOP", "USER"), nil, true, "", "APOP USER", protocols.KindAuth},
		{"unknown mechanisms count for nothing", allMechanisms, []Way{user}, map[string]error{"SCRAM-SHA-256": errUnknown, "SCRAM-SHA-1": errUnknown, "CRAM-MD5": errUnknown, "PLAIN": errRefused, "LOGIN": errUnknown},
			nil, true, "", "SCRAM-SHA-256 SCRAM-SHA-1 CRAM-MD5 PLAIN LOGIN USER", 0},
		{"an unverified server refuses", allMechanisms, []Way{user}, no("SCRAM-SHA-256"), nil, false, "", "SCRAM-SHA-256", protocols.KindAuth},
		{"an unverified server that knows no proof", mailMechanisms, []Way{user}, scram, nil, false, "", "SCRAM-SHA-256", protocols.KindRefused},
		{"an unverified server: another proof is no weaker", []string{"SCRAM-SHA-256", "SCRAM-SHA-1", "PLAIN"}, nil, map[string]error{"SCRAM-SHA-256": errUnknown, "SCRAM-SHA-1": errUnknown}, nil, false, "", "SCRAM-SHA-256 SCRAM-SHA-1", protocols.KindRefused},
		{"an unverified server: LOGIN is no weaker than PLAIN", []string{"PLAIN", "LOGIN"}, nil, map[string]error{"PLAIN": errUnknown}, nil, false, "", "PLAIN LOGIN", 0},
		{"a nonce that is not ours", mailMechanisms, []Way{user}, no("SCRAM-SHA-256"), map[string][]string{"SCRAM-SHA-256": {"r=other,s=QSXCR+Q6sek8bf92,i=4096"}}, true, "", "SCRAM-SHA-256", protocols.KindAuth},
		{"the mechanism's own no", mailMechanisms, nil, nil, map[string][]string{"SCRAM-SHA-256": {"e=other-error"}}, true, "", "SCRAM-SHA-256 PLAIN", 0},
		{"the mechanism's own no is a refusal", allMechanisms, []Way{user}, no("PLAIN"), map[string][]string{"SCRAM-SHA-256": {"e=invalid-proof"}}, true, "", "SCRAM-SHA-256 PLAIN", protocols.KindAuth},
		{"somebody in between", mailMechanisms, nil, nil, map[string][]string{"SCRAM-SHA-256": {"e=channel-bindings-dont-match"}}, true, "", "SCRAM-SHA-256", protocols.KindAuth},
		{"later", mailMechanisms, nil, map[string]error{"SCRAM-SHA-256": errLater}, nil, true, "", "SCRAM-SHA-256", protocols.KindTemporary},
		{"asked for one", allMechanisms, []Way{user}, no("PLAIN"), nil, true, "PLAIN", "PLAIN", protocols.KindAuth},
		{"hung up after a refusal", mailMechanisms, nil, map[string]error{"SCRAM-SHA-256": errRefused, "PLAIN": errHungUp}, nil, true, "", "SCRAM-SHA-256 PLAIN", protocols.KindAuth},
		{"hung up at once", mailMechanisms, nil, map[string]error{"SCRAM-SHA-256": errHungUp}, nil, true, "", "SCRAM-SHA-256", protocols.KindConnect},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := &party{says: tt.says, asks: tt.asks}
			l := p.login(tt.offered, tt.trusted, tt.others...)
			l.Mechanism = tt.asked
			err := l.Run()
			if protocols.KindOf(err) != tt.kind || strings.Join(p.tried, " ") != tt.tried {
				t.Errorf("tried %q, want %q: %v (%v), want kind %v", p.tried, tt.tried, protocols.KindOf(err), err, tt.kind)
			}
		})
	}
}

// TestWrongSignature: a server whose signature is wrong or missing gets nothing more,
// and its connection is not used on.
func TestWrongSignature(t *testing.T) {
	for name, last := range map[string]string{"wrong": "v=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "none": "v=", "garbage": "x"} {
		for _, after := range []error{nil, errRefused} {
			p := &party{says: map[string]error{"SCRAM-SHA-256": after}}
			l := p.login(mailMechanisms, true)
			begin := l.Start
			l.Start = func(mechanism, initial string, has bool) (Answer, error) {
				text, _ := base64.StdEncoding.DecodeString(initial)
				_, nonce, _ := strings.Cut(string(text), ",r=")
				p.asks = map[string][]string{"SCRAM-SHA-256": {"r=" + nonce + "xyz,s=QSXCR+Q6sek8bf92,i=4096", last}}
				return begin(mechanism, initial, has)
			}
			err := l.Run()
			if protocols.KindOf(err) != protocols.KindAuth || len(p.tried) != 1 {
				t.Errorf("%s: tried %q: %v", name, p.tried, err)
			}
		}
	}
}
