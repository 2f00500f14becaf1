package sasl

import (
	"cmp"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"

	gosasl "github.com/emersion/go-sasl"

	"github.com/netclients/netclients/protocols"
)

const (
	// maxRounds bounds the challenges of one exchange; SCRAM, the longest, has two or
	// three.
	maxRounds = 10

	// maxRefusals is how often a server may refuse one password, in all ways together:
	// it is not tried a third time.
	maxRefusals = 2
)

// Login logs in: with the SASL mechanisms that fit, strongest first, and then in
// the ways that a protocol has beside them.
type Login struct {
	Config
	Offered []string // mechanisms of the server
	Exchange
	Others  []Way           // in the order in which they are tried
	Trusted bool            // it is known who the server is: a refusal may be followed by the next way
	Hide    func(...string) // is told of the proofs that are sent
}

// Exchange is how a protocol carries SASL. Texts are base64, ready for the wire.
type Exchange struct {
	// Start sends the command; initial is the initial response where has is set.
	Start func(mechanism, initial string, has bool) (Answer, error)
	// Respond sends the response to a challenge, or "*" to cancel the exchange.
	Respond func(response string) (Answer, error)
	// Fail marks the connection as out of step, and returns err; Failed reports it.
	Fail   func(err error) error
	Failed func() error

	MaxInitial int    // longest initial response that goes with the command; 0: none does
	Empty      string // how a response that is empty is written
}

// Answer is what a server says in an exchange.
type Answer struct {
	Challenge string // base64; with success: additional data
	More      bool   // a response is wanted
	Err       error  // the refusal; nil with More: none yet, else success
}

// Way is a way to log in that is not a SASL mechanism.
type Way struct {
	Name  string // as --auth takes it
	Proof bool   // only a proof of the password is sent
	Bare  bool   // needs no password, and is for those who ask for it
	Late  bool   // checks by itself that there is a password
	Try   func() error
}

// attempt is a way of either sort.
type attempt struct {
	Way
	client Client // nil: Way.Try
}

// Run logs in. A way that the server does not know after all, refuses or breaks off is
// followed by the next one where the server is trusted and nobody asked for one way by
// name. A server that is not trusted gets no weaker one, and one that failed to prove
// itself gets none. Errors have a kind: Auth for a refusal, Protocol for an exchange
// that makes no sense.
func (l *Login) Run() error {
	ways, err := l.ways()
	if err != nil {
		return err
	}
	var refused, last error
	for refusals := 0; len(ways) > 0 && refusals < maxRefusals; {
		w := ways[0]
		last = l.try(w)
		switch l.judge(last) {
		case accepted:
			return nil
		case final:
			return l.lost(refused, last)
		case unknownWay:
			ways = l.notWeaker(w, ways[1:])
		case brokenOff:
			ways = ways[1:]
		case refusal:
			refused, refusals = last, refusals+1
			ways = afterRefusal(w, ways[1:])
		}
	}
	return cmp.Or(refused, last)
}

// outcome is what came of one way.
type outcome int

const (
	final      outcome = iota // no other way may follow
	accepted                  // logged in
	unknownWay                // the server does not know it after all: the password was not judged
	brokenOff                 // an exchange that made no sense
	refusal                   // the password was judged, and is wrong
)

// judge sorts the result of one way.
func (l *Login) judge(err error) outcome {
	switch {
	case err == nil:
		return accepted
	case l.Failed() != nil, isUnproven(err), l.Mechanism != "" && !errors.Is(err, errors.ErrUnsupported):
		return final
	case errors.Is(err, errors.ErrUnsupported):
		return unknownWay
	case !l.Trusted:
		return final
	case isBroken(err):
		return brokenOff
	case protocols.KindOf(err) != protocols.KindAuth:
		return final
	}
	return refusal
}

// lost: a server that hangs up after its no has refused the login all the same, and
// nothing is won by a new connection.
func (l *Login) lost(refused, last error) error {
	if refused != nil && l.Failed() != nil && hungUp(last) {
		return refused
	}
	return last
}

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// notWeaker returns the ways that may follow w, which the server says that it does not
// know: who is in the middle could say so, to get to see the password.
func (l *Login) notWeaker(w attempt, ways []attempt) []attempt {
	if l.Trusted || !w.Proof {
		return ways
	}
	return slices.DeleteFunc(ways, func(w attempt) bool { return !w.Proof })
}

// afterRefusal: a server that refuses one proof may have nothing to check any proof
// with, but knows the password when it sees it.
func afterRefusal(w attempt, ways []attempt) []attempt {
	if i := slices.IndexFunc(ways, func(w attempt) bool { return !w.Proof }); w.Proof && i > 0 {
		return ways[i:]
	}
	return ways
}

// ways lists what may be tried.
func (l *Login) ways() ([]attempt, error) {
	asked := strings.ToUpper(l.Mechanism)
	list, err := choose(l.Offered, l.Config)
	l.Others = slices.DeleteFunc(slices.Clone(l.Others), func(w Way) bool {
		return w.Name != asked && (asked != "" || w.Bare || l.Credential.Token != "" && !l.Credential.HasPassword())
	})
	own := len(l.Others) > 0
	if err != nil && (!own || protocols.KindOf(err) == protocols.KindUsage) {
		return nil, err
	}
	for _, w := range l.Others {
		list = append(list, attempt{Way: w})
	}
	return list, nil
}

func (l *Login) try(w attempt) error {
	switch {
	case w.client != nil:
		return l.exchange(w.client)
	case w.Bare:
	case !w.Late && !l.Credential.HasPassword():
		return protocols.NoPasswordError(l.Credential.User)
	case l.MayClear != nil:
		return l.MayClear
	}
	return w.Try()
}

// broken is an exchange that made no sense and was canceled in good order.
type broken struct{ error }

func (b broken) Unwrap() error { return b.error }

func isBroken(err error) bool { return errors.As(err, new(broken)) }

// unproven is the error of a server that failed to prove who it is: another one could
// be in its place, and must not get to see the password.
type unproven struct{ error }

func (u unproven) Unwrap() error { return u.error }

func isUnproven(err error) bool { return errors.As(err, new(unproven)) }

// refusedProof is the server's no in the words of the mechanism (RFC 5802 5.1, "e=").
type refusedProof struct{ error }

func (r refusedProof) Unwrap() error { return r.error }

// exchange runs one mechanism.
func (l *Login) exchange(c Client) error {
	name, initial, err := c.Start()
	if err != nil {
		return kinded(name, err)
	}
	coded := l.encode(initial, true)
	late := initial != nil && len(coded) > l.MaxInitial
	a, err := l.Start(name, coded, initial != nil && !late)
	for round := 0; err == nil && a.More; round++ {
		response := initial
		if !late {
			if response, err = l.answer(c, name, a.Challenge, round); err != nil {
				return l.cancel(err)
			}
		}
		late = false
		a, err = l.Respond(l.encode(response, false))
	}
	if err != nil {
		return err
	}
	return l.settled(c, name, a)
}

// answer returns the response to a challenge.
func (l *Login) answer(c Client, name, challenge string, round int) ([]byte, error) {
	if round == maxRounds {
		return nil, tooMany(name)
	}
	text, err := decode(challenge)
	if err != nil {
		return nil, err
	}
	response, err := c.Next(text)
	if err != nil {
		return nil, kinded(name, err)
	}
	l.hide(name, response)
	return response, nil
}

// decode reads a challenge; "=" is an empty one.
func decode(challenge string) ([]byte, error) {
	challenge = strings.TrimSpace(challenge)
	if challenge == "=" {
		return nil, nil
	}
	text, err := base64.StdEncoding.DecodeString(challenge)
	if err != nil {
		return nil, protocols.ProtocolError("", "login", "the server's challenge is not base64")
	}
	return text, nil
}

// encode writes a response. An empty initial one is "=" in all protocols.
func (l *Login) encode(response []byte, initial bool) string {
	switch {
	case len(response) > 0:
		return base64.StdEncoding.EncodeToString(response)
	case initial:
		return "="
	}
	return l.Empty
}

// hide makes the proofs in a response known as secrets.
func (l *Login) hide(name string, response []byte) {
	text := string(response)
	switch {
	case l.Hide == nil:
	case strings.HasPrefix(name, "SCRAM-"):
		if _, proof, ok := strings.Cut(text, ",p="); ok {
			l.Hide(proof)
		}
	case name == "CRAM-MD5":
		l.Hide(text[strings.LastIndexByte(text, ' ')+1:])
	}
}

// cancel ends an exchange that goes wrong, with why.
func (l *Login) cancel(why error) error {
	a, err := l.Respond("*")
	switch {
	case err != nil:
		return why
	case a.More || a.Err == nil: // it goes on all the same
		return l.Fail(why)
	case errors.As(why, new(refusedProof)):
		return why
	}
	return broken{why}
}

// settled judges the decision of the server.
func (l *Login) settled(c Client, name string, a Answer) error {
	if a.Err == nil && a.Challenge != "" {
		text, err := decode(a.Challenge)
		if err == nil {
			_, err = c.Next(text)
		}
		if err != nil {
			return l.Fail(kinded(name, err))
		}
	}
	verified := Verified(c)
	if a.Err == nil {
		return l.Fail(verified)
	}
	no, ours := errors.AsType[*protocols.Error](a.Err)
	told, why := errors.AsType[*protocols.Error](verified)
	if _, token := c.(*bearer); !ours || !why || !token || no.Kind != protocols.KindAuth {
		return a.Err
	}
	e := *no
	e.Text = told.Text // says more: what the server has against the token
	return &e
}

// kinded sets the kind of errors of modules that have none.
func kinded(name string, err error) error {
	if errors.Is(err, gosasl.ErrUnexpectedServerChallenge) {
		return tooMany(name)
	}
	if _, ours := errors.AsType[*protocols.Error](err); ours {
		return err
	}
	return &protocols.Error{Op: "login", Kind: protocols.KindProtocol, Err: err}
}
