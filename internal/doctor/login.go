package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols"
)

// mechanismsOf returns the login mechanisms of a report, strongest name order as the
// server has it: AUTH PLAIN (SMTP), SASL PLAIN (POP3, NNTP), AUTH=PLAIN (IMAP).
func mechanismsOf(r *protocols.Report) []string {
	var list []string
	if r == nil {
		return nil
	}
	for _, c := range r.Capabilities {
		name := strings.ToUpper(c.Name)
		switch mechanism, is := strings.CutPrefix(name, "AUTH="); {
		case is && mechanism != "":
			list = append(list, mechanism)
		case name == "AUTH", name == "SASL":
			list = append(list, c.Params...)
		case name == "AUTHINFO":
			list = append(list, "AUTHINFO "+strings.Join(c.Params, "/"))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// mechanisms reports which logins are offered with and without TLS.
func mechanisms(_ context.Context, w *walk) Result {
	before, under := mechanismsOf(w.plain), mechanismsOf(w.secure)
	var parts []string
	if w.secure != nil {
		parts = append(parts, "under TLS: "+orNone(under))
	}
	if w.plain != nil {
		text := orNone(before)
		if _, off := capability(w.plain, "LOGINDISABLED"); off {
			text += " (LOGINDISABLED)"
		}
		parts = append(parts, "without TLS: "+text)
	}
	text := strings.Join(parts, "; ")
	if w.secure != nil && slices.ContainsFunc(before, sendsPassword) {
		return Result{Status: OK, Text: text, Ask: "not to offer PLAIN and LOGIN before TLS: programs that take them send the password unencrypted"}
	}
	return ok(text)
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, " ")
}

func sendsPassword(mechanism string) bool { return mechanism == "PLAIN" || mechanism == "LOGIN" }

// logIn logs in once, as a probe does, and says by which way.
func logIn(ctx context.Context, w *walk) Result {
	cred, err := w.credential(ctx)
	switch {
	case err != nil:
		return w.failed(err)
	case cred.User == "" && cred.Token == "":
		return skipped("nobody to log in as: the URL names no user and there is no --user")
	}
	w.mu.Lock()
	w.heard = nil
	w.mu.Unlock()
	c, err := w.Open(w.target, w.options(func(o *protocols.Options) { o.ProbeLogin = true }))
	if err != nil {
		return w.failed(err)
	}
	defer c.Close()
	r, err := c.Probe(ctx)
	w.mechanism = w.loginWay()
	if err != nil {
		return w.failed(err)
	}
	text := "as " + cred.User
	if w.mechanism != "" {
		text += " by " + w.mechanism
	}
	if r.TLSVersion == "" {
		text += ", without TLS"
	}
	if cred.User != "" {
		w.set("user", cred.User)
	}
	return ok(text + tokenText(cred))
}

// tokenText says when the token of a login ends.
func tokenText(cred protocols.Credential) string {
	if cred.Expires.IsZero() {
		return ""
	}
	return ", with a token until " + cred.Expires.Local().Format(time.DateTime)
}

// loginVerbs are the commands that log in, each with how it is called.
var loginVerbs = []struct{ verb, way string }{
	{"AUTHENTICATE", ""}, {"AUTH", ""}, {"AUTHINFO SASL", ""}, {"AUTHINFO USER", "AUTHINFO USER"}, {"LOGIN", "LOGIN"}, {"APOP", "APOP"}, {"USER", "USER and PASS"},
}

// loginWay returns the last way of logging in that went over the wire.
func (w *walk) loginWay() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	way := ""
	for _, line := range w.heard {
		words := strings.Fields(strings.ToUpper(line))
		for skip := range min(2, len(words)) { // IMAP puts a tag before
			if found := wayOf(strings.Join(words[skip:], " ") + " "); found != "" {
				way = found
				break
			}
		}
	}
	return way
}

// wayOf returns the way of logging in that a command begins, or "".
func wayOf(command string) string {
	for _, v := range loginVerbs {
		rest, is := strings.CutPrefix(command, v.verb+" ")
		if mechanism, _, _ := strings.Cut(strings.TrimSpace(rest), " "); is && mechanism != "TLS" {
			return cmp.Or(v.way, mechanism)
		}
	}
	return ""
}

// keywords makes a step that names which of some capabilities there are. lacking says
// what the server does not have, and what that costs.
func keywords(names []struct{ name, costs string }) func(context.Context, *walk) Result {
	return func(_ context.Context, w *walk) Result {
		r := w.last()
		if r == nil {
			return skipped("the server has said nothing")
		}
		var has, lacks []string
		for _, k := range names {
			if c, is := capability(r, k.name); is {
				has = append(has, strings.TrimSpace(c.Name+" "+strings.Join(c.Params, " ")))
			} else {
				lacks = append(lacks, fmt.Sprintf("no %s (%s)", k.name, k.costs))
			}
		}
		text := strings.Join(append(has, lacks...), ", ")
		if len(lacks) > 0 {
			return without(text, "")
		}
		return ok(text)
	}
}
