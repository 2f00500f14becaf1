package newslab

import (
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/xdg-go/scram"
)

func (x *session) cmdAuthinfo(arg string) {
	kind, rest, _ := strings.Cut(arg, " ")
	switch {
	case x.loggedIn:
		x.reply(502, "Already authenticated")
	case x.compressed:
		x.reply(502, "Not under compression")
	case x.srv.opt.NeedTLS && !x.secure:
		x.reply(483, "Encryption required")
	case strings.EqualFold(kind, "USER"):
		x.user = rest
		x.reply(381, "Enter password")
	case strings.EqualFold(kind, "PASS") && x.user == "":
		x.reply(482, "USER first")
	case strings.EqualFold(kind, "PASS"):
		x.admit(x.user, rest == x.srv.front.User.Password)
	case strings.EqualFold(kind, "SASL"):
		x.sasl(strings.Fields(rest))
	default:
		x.reply(501, "AUTHINFO USER, PASS or SASL")
	}
}

func (x *session) admit(user string, right bool) {
	x.user = ""
	if !right || user != x.srv.front.User.User {
		x.reply(481, "Authentication failed")
		return
	}
	x.loggedIn = true
	x.srv.front.CountLogin()
	x.reply(281, "Ok")
}

// sasl runs PLAIN, CRAM-MD5 or SCRAM-SHA-256 (RFC 4643 section 2.4).
func (x *session) sasl(words []string) {
	mechanism := ""
	if len(words) > 0 {
		mechanism = strings.ToUpper(words[0])
	}
	if !strings.Contains(" "+x.srv.opt.SASL+" ", " "+mechanism+" ") {
		x.reply(503, "Mechanism not supported")
		return
	}
	const challenge = "<1896.697170952@lab.invalid>"
	switch mechanism {
	case "PLAIN":
		response, ok := x.response(words, "=")
		fields := strings.Split(response, "\x00")
		if ok && len(fields) == 3 {
			x.admit(fields[1], fields[2] == x.srv.front.User.Password)
		} else if ok {
			x.reply(481, "Bad response")
		}
	case "CRAM-MD5":
		response, ok := x.response(nil, base64.StdEncoding.EncodeToString([]byte(challenge)))
		h := hmac.New(md5.New, []byte(x.srv.front.User.Password))
		h.Write([]byte(challenge))
		if user, digest, _ := strings.Cut(response, " "); ok {
			x.admit(user, digest == hex.EncodeToString(h.Sum(nil)))
		}
	case "SCRAM-SHA-256":
		x.scram(words)
	}
}

// scram runs SCRAM-SHA-256 (RFC 7677). The server's proof comes with the 283.
func (x *session) scram(words []string) {
	server, err := scram.SHA256.NewServer(func(user string) (scram.StoredCredentials, error) {
		client, err := scram.SHA256.NewClient(x.srv.front.User.User, x.srv.front.User.Password, "")
		if err != nil || user != x.srv.front.User.User {
			return scram.StoredCredentials{}, errors.New("no such user")
		}
		return client.GetStoredCredentials(scram.KeyFactors{Salt: "lab salt", Iters: 4096}), nil
	})
	if err != nil {
		x.reply(403, err.Error())
		return
	}
	talk := server.NewConversation()
	for challenge := "="; !talk.Done(); words = nil {
		message, ok := x.response(words, challenge)
		if !ok {
			return
		}
		step, err := talk.Step(message)
		if err != nil {
			x.reply(481, "Authentication failed")
			return
		}
		challenge = base64.StdEncoding.EncodeToString([]byte(step))
		if talk.Done() {
			x.loggedIn = true
			x.srv.front.CountLogin()
			x.reply(283, challenge)
		}
	}
}

// response returns the initial response, or what the client says to a challenge.
func (x *session) response(words []string, challenge string) (string, bool) {
	text := ""
	if len(words) > 1 {
		text = words[1]
	} else {
		x.reply(383, challenge)
		if x.flush() != nil {
			return "", false
		}
		line, err := x.in.ReadString('\n')
		if err != nil {
			x.ended = true
			return "", false
		}
		text = strings.TrimRight(line, "\r\n")
	}
	if text == "*" {
		x.reply(481, "Cancelled")
		return "", false
	}
	data, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "="))
	if err != nil {
		x.reply(482, "Bad base64")
		return "", false
	}
	return string(data), true
}
