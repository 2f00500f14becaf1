package saslserver

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xdg-go/scram"

	"github.com/netclients/netclients/protocols/lab/base"
)

// client answers the challenges of an exchange; the first is what it begins with.
type client func(challenge []byte) ([]byte, error)

// fixed says the same words whatever it is asked.
func fixed(words ...string) func(string) (client, bool) {
	return func(password string) (client, bool) {
		i := 0
		return func([]byte) ([]byte, error) {
			i++
			return []byte(strings.ReplaceAll(words[min(i, len(words))-1], "%", password)), nil
		}, true
	}
}

func cramClient(password string) (client, bool) {
	return func(challenge []byte) ([]byte, error) {
		h := hmac.New(md5.New, []byte(password))
		h.Write(challenge)
		return []byte("alice " + hex.EncodeToString(h.Sum(nil))), nil
	}, false
}

func scramClient(hash scram.HashGeneratorFcn) func(string) (client, bool) {
	return func(password string) (client, bool) {
		c, err := hash.NewClient("alice", password, "")
		if err != nil {
			return nil, false
		}
		talk := c.NewConversation()
		return func(challenge []byte) ([]byte, error) {
			s, err := talk.Step(string(challenge))
			return []byte(s), err
		}, true
	}
}

// exchanges are how a client behaves, and whether it begins.
var exchanges = []struct {
	name  string
	begin func(password string) (client, bool)
}{
	{"PLAIN", fixed("\x00alice\x00%")},
	{"LOGIN", func(password string) (client, bool) {
		c, _ := fixed("alice", "%")(password)
		return c, false
	}},
	{"CRAM-MD5", cramClient},
	{"XOAUTH2", fixed("user=alice\x01auth=Bearer %\x01\x01", "")},
	{"OAUTHBEARER", fixed("n,a=alice,\x01auth=Bearer %\x01\x01", "\x01")},
	{"SCRAM-SHA-1", scramClient(scram.SHA1)},
	{"SCRAM-SHA-256", scramClient(scram.SHA256)},
}

func TestExchangesAcceptTheRightPasswordOnly(t *testing.T) {
	for _, x := range exchanges {
		for _, password := range []string{"secret", "wrong"} {
			for _, finalData := range []bool{false, true} {
				for _, first := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s/%s/final data %v/initial response %v", x.name, password, finalData, first), func(t *testing.T) { exchange(t, x.name, x.begin, password, finalData, first) })
				}
			}
		}
	}
}

func exchange(t *testing.T, name string, begin func(string) (client, bool), password string, finalData, first bool) {
	s := &Server{Users: Single{base.DefaultCredentials()}, Offer: []string{name}, FinalData: finalData}
	e := s.Start(name)
	if e == nil {
		t.Fatal("not offered")
	}
	say, begins := begin(password)
	var initial []byte
	if first && begins {
		initial, _ = say(nil)
	}
	final, err := e.Run(initial, func(c []byte) ([]byte, error) { return say(c) })
	if password == "wrong" {
		if !errors.Is(err, ErrFailed) {
			t.Errorf("accepted: %v", err)
		}
		return
	}
	if err != nil || e.User() != "alice" {
		t.Errorf("%q, %v", e.User(), err)
	}
	if wants := finalData && name[:5] == "SCRAM"; wants != (final != nil) {
		t.Errorf("final data %q", final)
	}
}

func TestMechanismsThatBindNeedTLS(t *testing.T) {
	s := &Server{Users: Single{base.DefaultCredentials()}, Offer: []string{"SCRAM-SHA-256-PLUS", "EXTERNAL", "PLAIN"}}
	if got := s.Mechanisms(); len(got) != 2 || got[0] != "EXTERNAL" {
		t.Errorf("%q", got)
	}
	if s.Start("SCRAM-SHA-256-PLUS") != nil || s.Start("SCRAM-SHA-256") != nil || s.Start("plain") == nil {
		t.Error("what is not offered begins, or what is does not")
	}
	if _, err := s.Start("EXTERNAL").Run([]byte{}, nil); !errors.Is(err, ErrFailed) {
		t.Errorf("EXTERNAL without a certificate: %v", err)
	}
	if _, err := s.Start("PLAIN").Run([]byte("bob\x00alice\x00secret"), nil); !errors.Is(err, ErrFailed) {
		t.Errorf("alice acts for bob: %v", err)
	}
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{"=": "", "": "", "YQ==": "a"} {
		if got, err := Decode(text); string(got) != want || got == nil || err != nil {
			t.Errorf("%q: %q, %v", text, got, err)
		}
	}
	if _, err := Decode("!"); err == nil {
		t.Error("no base64, and no error")
	}
}

// FuzzExchange sends anything to every mechanism.
func FuzzExchange(f *testing.F) {
	f.Add("SCRAM-SHA-256", []byte("n,,n=alice,r=abc"), []byte("c=biws,r=abc,p=AAAA"))
	f.Add("OAUTHBEARER", []byte("n,a=alice,\x01auth=Bearer x\x01\x01"), []byte("\x01"))
	f.Fuzz(func(t *testing.T, name string, first, second []byte) {
		s := &Server{Users: Single{base.Credentials{User: "alice", Password: "a password that nothing guesses"}}, Offer: []string{name}}
		e := s.Start(name)
		if e == nil {
			return
		}
		n := 0
		_, err := e.Run(first, func([]byte) ([]byte, error) {
			if n++; n > 8 {
				return nil, errors.New("no end")
			}
			return second, nil
		})
		if err == nil {
			t.Errorf("%s lets %q, %q in", name, first, second)
		}
	})
}
