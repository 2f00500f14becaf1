package lab

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// maxNewsArticle bounds an article that is posted.
const maxNewsArticle = 64 << 20

// receive reads an article up to its final dot.
func (x *nntpSession) receive() ([]byte, bool) {
	if x.flush() != nil {
		x.ended = true
		return nil, false
	}
	var b bytes.Buffer
	for start := true; b.Len() <= maxNewsArticle; {
		line, err := x.in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull { // a long line comes in pieces
			break
		}
		if start && string(line) == ".\r\n" {
			return b.Bytes(), true
		}
		if start && line[0] == '.' {
			line = line[1:]
		}
		b.Write(line)
		start = err == nil
	}
	x.ended = true
	return nil, false
}

func (x *nntpSession) cmdPost(string) {
	if x.srv.opt.ReadOnly {
		x.reply(440, "Posting not permitted")
		return
	}
	x.reply(340, "Ok, send the article")
	data, ok := x.receive()
	if !ok || x.fault(PointEnd) {
		return
	}
	for _, name := range []string{"From", "Subject", "Newsgroups"} {
		if newsHeader(data, name) == "" {
			x.reply(441, "Missing required "+name+" header")
			return
		}
	}
	id, err := x.srv.news.add(bytes.Clone(data), x.now())
	if err != nil {
		x.reply(441, err.Error())
		return
	}
	x.obey(data)
	x.reply(240, "Article received "+id)
}

// obey carries out the control messages that take articles away.
func (x *nntpSession) obey(data []byte) {
	if id, ok := strings.CutPrefix(newsHeader(data, "Control"), "cancel "); ok {
		x.srv.news.Cancel(strings.TrimSpace(id))
	}
	if id := newsHeader(data, "Supersedes"); id != "" {
		x.srv.news.Cancel(id)
	}
}

func (x *nntpSession) cmdIhave(id string) {
	if x.srv.news.find(id) != nil {
		x.reply(435, "Not wanted")
		return
	}
	x.reply(335, "Send it")
	data, ok := x.receive()
	if !ok {
		return
	}
	if _, err := x.srv.news.add(bytes.Clone(data), x.now()); err != nil {
		x.reply(437, err.Error())
		return
	}
	x.reply(235, "Thanks")
}

func (x *nntpSession) cmdCheck(id string) {
	if x.srv.news.find(id) != nil {
		x.reply(438, id)
		return
	}
	x.reply(238, id)
}

func (x *nntpSession) cmdTakethis(id string) {
	data, ok := x.receive()
	if !ok {
		return
	}
	if _, err := x.srv.news.add(bytes.Clone(data), x.now()); err != nil {
		x.reply(439, id)
		return
	}
	x.reply(239, id)
}

func (x *nntpSession) cmdAuthinfo(arg string) {
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
		x.admit(x.user, rest == x.srv.user.Password)
	case strings.EqualFold(kind, "SASL"):
		x.sasl(strings.Fields(rest))
	default:
		x.reply(501, "AUTHINFO USER, PASS or SASL")
	}
}

func (x *nntpSession) admit(user string, right bool) {
	x.user = ""
	if !right || user != x.srv.user.User {
		x.reply(481, "Authentication failed")
		return
	}
	x.loggedIn = true
	x.srv.logins.Add(1)
	x.reply(281, "Ok")
}

// sasl runs PLAIN or CRAM-MD5 (RFC 4643 section 2.4).
func (x *nntpSession) sasl(words []string) {
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
			x.admit(fields[1], fields[2] == x.srv.user.Password)
		} else if ok {
			x.reply(481, "Bad response")
		}
	case "CRAM-MD5":
		response, ok := x.response(nil, base64.StdEncoding.EncodeToString([]byte(challenge)))
		h := hmac.New(md5.New, []byte(x.srv.user.Password))
		h.Write([]byte(challenge))
		if user, digest, _ := strings.Cut(response, " "); ok {
			x.admit(user, digest == hex.EncodeToString(h.Sum(nil)))
		}
	}
}

// response gives the initial response, or what the client says to a challenge.
func (x *nntpSession) response(words []string, challenge string) (string, bool) {
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
