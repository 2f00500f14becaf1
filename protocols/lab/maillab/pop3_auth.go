package maillab

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/xdg-go/scram"
)

// pop3Mechanisms are the SASL mechanisms of the POP3 server (RFC 5034). ask sends
// a challenge and returns the response; ok is false when the client gave up. initial
// is nil when none came.
var pop3Mechanisms = map[string]func(x *pop3Session, initial []byte, ask func([]byte) ([]byte, bool)) (user string, ok bool){
	"PLAIN":         (*pop3Session).authPlain,
	"LOGIN":         (*pop3Session).authLogin,
	"CRAM-MD5":      (*pop3Session).authCRAM,
	"SCRAM-SHA-256": (*pop3Session).authSCRAM,
	"XOAUTH2":       (*pop3Session).authXOAuth2,
}

func (x *pop3Session) cmdAuth(arg string) {
	name, coded, given := strings.Cut(arg, " ")
	run := pop3Mechanisms[strings.ToUpper(name)]
	offered := false
	for _, m := range x.srv.opt.Mechanisms {
		offered = offered || strings.EqualFold(m, name)
	}
	if run == nil || !offered {
		x.err("", "Unsupported mechanism.")
		return
	}
	if !x.secure() {
		return
	}
	var initial []byte
	if given {
		initial = []byte{}
		if coded != "=" {
			var err error
			if initial, err = base64.StdEncoding.DecodeString(coded); err != nil {
				x.err("", "That is no base64.")
				return
			}
		}
	}
	user, ok := run(x, initial, x.challenge)
	if !ok {
		x.refuse()
		return
	}
	x.enter(user)
}

// challenge sends one and reads the response.
func (x *pop3Session) challenge(c []byte) ([]byte, bool) {
	x.out.WriteString("+ " + base64.StdEncoding.EncodeToString(c) + "\r\n")
	line, ok := x.line()
	if !ok || line == "*" {
		return nil, false
	}
	x.srv.front.Record(line)
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(line, "="))
	return b, err == nil
}

func (x *pop3Session) authPlain(initial []byte, ask func([]byte) ([]byte, bool)) (string, bool) {
	if initial == nil {
		var ok bool
		if initial, ok = ask(nil); !ok {
			return "", false
		}
	}
	f := strings.Split(string(initial), "\x00")
	return f[min(1, len(f)-1)], len(f) == 3 && x.srv.mail.Login(f[1], f[2])
}

func (x *pop3Session) authLogin(initial []byte, ask func([]byte) ([]byte, bool)) (string, bool) {
	user, ok := initial, true
	if initial == nil {
		user, ok = ask([]byte("Username:"))
	}
	if !ok {
		return "", false
	}
	password, ok := ask([]byte("Password:"))
	return string(user), ok && x.srv.mail.Login(string(user), string(password))
}

func (x *pop3Session) authCRAM(_ []byte, ask func([]byte) ([]byte, bool)) (string, bool) {
	challenge := []byte(stamp())
	response, ok := ask(challenge)
	user, digest, _ := strings.Cut(string(response), " ")
	password, known := x.srv.mail.Password(user)
	h := hmac.New(md5.New, []byte(password))
	h.Write(challenge)
	return user, ok && known && digest == hex.EncodeToString(h.Sum(nil))
}

// authXOAuth2 takes the user's password for the token.
func (x *pop3Session) authXOAuth2(initial []byte, ask func([]byte) ([]byte, bool)) (string, bool) {
	rest, _ := strings.CutPrefix(string(initial), "user=")
	user, rest, _ := strings.Cut(rest, "\x01")
	token, _ := strings.CutPrefix(rest, "auth=Bearer ")
	if x.srv.mail.Login(user, strings.TrimRight(token, "\x01")) {
		return user, true
	}
	ask([]byte(`{"status":"401","schemes":"bearer"}`))
	return "", false
}

func (x *pop3Session) authSCRAM(initial []byte, ask func([]byte) ([]byte, bool)) (string, bool) {
	server, err := scram.SHA256.NewServer(func(user string) (scram.StoredCredentials, error) {
		password, ok := x.srv.mail.Password(user)
		if !ok {
			return scram.StoredCredentials{}, ErrNoMailbox
		}
		client, err := scram.SHA256.NewClient(user, password, "")
		if err != nil {
			return scram.StoredCredentials{}, err
		}
		return client.GetStoredCredentials(scram.KeyFactors{Salt: "lab salt", Iters: 4096}), nil
	})
	if err != nil {
		return "", false
	}
	talk := server.NewConversation()
	for message, ok := initial, true; ; {
		if message == nil {
			if message, ok = ask(nil); !ok {
				return "", false
			}
		}
		reply, err := talk.Step(string(message))
		if err != nil {
			return "", false
		}
		if message, ok = ask([]byte(reply)); !ok {
			return "", false
		}
		if talk.Done() {
			return talk.Username(), talk.Valid()
		}
	}
}
