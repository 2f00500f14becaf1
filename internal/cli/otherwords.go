package cli

import (
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/protocols"
)

// foreign is a word, flag or scheme of other programs, with what it is here.
type foreign struct{ word, here string }

// foreigners is the one table of what people type who know other programs: verbs,
// --flags, -letters and scheme: names. Words that mean the same as a verb stand with it
// (kit.Verb.Aliases).
var foreigners = []foreign{
	{"tree", "ls -R URL"}, {"du", "ls -Rl URL"}, {"curl", "cat URL, get URL or http request METHOD URL"},
	{"wget", "get URL"}, {"mirror", "sync URL FOLDER"}, {"head", "http head URL"}, {"ping", "probe URL"}, {"check", "probe URL"}, {"nc", "tcp connect HOST:PORT"}, {"dig", "lookup --type MX NAME"},
	{"mail", "smtp send HOST ADDRESS"}, {"post", "http post URL, or nntp post URL"},

	{"--bwlimit", "--limit-rate"}, {"--limit", "--limit-rate"}, {"--transfers", "--parallel"}, {"--jobs", "--parallel"},
	{"--max-time", "--timeout"}, {"--password", noPassword}, {"--pass", noPassword}, {"--cacert", "--ca-file"},
	{"--no-check-certificate", "--insecure"}, {"--no-verify", "--insecure"}, {"--resume", "--continue"}, {"--silent", "--quiet"},
	{"--retry", "--retries"}, {"--tries", "--retries"}, {"--max-filesize", "--max-size"}, {"--recursive-list", "--recursive"},
	{"--starttls", "--tls require"}, {"--ssl-reqd", "--tls require"}, {"--head", "the verb head: netclients http head URL"},
	{"--include", "the verb cat: netclients cat -i URL"}, {"--spider", "the verb head: netclients http head URL"},
	{"--group", "--newsgroups"}, {"--request", "the verb request: netclients http request METHOD URL"},

	{"-I", "the verb head: netclients http head URL"}, {"-X", "the verb request: netclients http request METHOD URL"},
	{"-L", "the default: redirects are followed"}, {"-O", "the verb get: netclients get URL"},
	{"-i", "the verb cat: netclients cat -i URL, or netclients http request -i GET URL"}, {"-j", "--parallel"}, {"-P", "--parallel"}, {"-C", "--continue"},
	{"-F", "the verb post: netclients http post URL --form NAME=VALUE"},
	{"-d", "the verb post: netclients http post URL -d TEXT"}, {"-A", "-H 'User-Agent: NAME'"}, {"-e", "-H 'Referer: URL'"},
	{"-s", "--quiet"}, {"-m", "--timeout"}, {"-T", "the verb put: netclients put FILE URL"},

	{"sftp:", "sftp(1)"}, {"scp:", "scp(1)"}, {"ssh:", "ssh(1)"}, {"s3:", "an S3 client"}, {"ws:", "a WebSocket client"},
	{"wss:", "a WebSocket client"}, {"ldap:", "ldapsearch(1)"}, {"rsync:", "rsync(1)"}, {"smb:", "smbclient(1)"},
}

const noPassword = "--password-file FILE or --password-command CMD (a password on the command line can be seen by others)"

// hereIs returns what a word of other programs is here, or nothing.
func hereIs(word string) string {
	for _, f := range foreigners {
		if f.word == word {
			return f.here
		}
	}
	return ""
}

// defaults are flags of curl for what is done here anyway.
var defaults = []struct{ letter, name, usage string }{
	{"L", "location", "follow redirects: the default"},
	{"O", "remote-file", "save under the name in the URL: the default"},
}

// takeDefaults adds the flags that ask for what a verb does anyway, where their letters are
// free.
func takeDefaults(fs *pflag.FlagSet, verb string) {
	if verb != "get" && verb != "cat" {
		return
	}
	for _, d := range defaults {
		if fs.ShorthandLookup(d.letter) != nil || fs.Lookup(d.name) != nil || verb == "cat" && d.letter == "O" {
			continue
		}
		fs.BoolP(d.name, d.letter, false, d.usage)
		fs.Lookup(d.name).Hidden = true
	}
}

// flagElsewhere returns what to say about a flag that is not known here but in other
// programs, or nothing.
func flagElsewhere(text string) string {
	if name, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		return hereIs("--" + name)
	}
	if rest, ok := strings.CutPrefix(text, "unknown shorthand flag: '"); ok && len(rest) > 0 {
		return hereIs("-" + rest[:1])
	}
	return ""
}

// aliases returns the words of other programs for a verb, without those in use.
func (a *app) aliases(name string, inUse func(string) bool) []string {
	var out []string
	for _, v := range a.verbs {
		if v.Name != name {
			continue
		}
		for _, alias := range v.Aliases {
			if !inUse(alias) {
				out = append(out, alias)
			}
		}
	}
	return out
}

// complete makes a command line whole that names a protocol and a target, but no verb:
// by the verb that is meant (telnet HOST), or whose first argument the word is
// (http GET URL).
func (a *app) complete(args []string) []string {
	if len(args) < 2 {
		return args
	}
	s := a.reg.Spec(args[0])
	if s == nil || s.Hidden {
		return args
	}
	i := firstWord(a.root.PersistentFlags(), args[1:]) + 1
	if i == 0 || args[i] == "help" || a.verbOrAlias(args[i], s) {
		return args
	}
	for _, v := range a.verbsOf(s) {
		if v.Stands != nil && v.Stands(args[i]) {
			return append([]string{args[0], v.Name}, args[1:]...)
		}
	}
	return args
}

func (a *app) verbOrAlias(word string, s *protocols.Spec) bool {
	for _, v := range a.verbsOf(s) {
		if v.Name == word {
			return true
		}
		for _, alias := range a.aliases(v.Name, func(string) bool { return false }) {
			if alias == word {
				return true
			}
		}
	}
	return false
}

// firstWord returns the index of the first argument that is neither a flag nor the
// value of one that works everywhere; -1 for none.
func firstWord(fs *pflag.FlagSet, args []string) int {
	for i := 0; i < len(args); i++ {
		name, ok := strings.CutPrefix(args[i], "--")
		if !ok && strings.HasPrefix(args[i], "-") && len(args[i]) == 2 {
			if f := fs.ShorthandLookup(args[i][1:]); f != nil && f.NoOptDefVal == "" {
				i++
			}
			continue
		}
		if !strings.HasPrefix(args[i], "-") {
			return i
		}
		if f := fs.Lookup(name); f != nil && f.NoOptDefVal == "" {
			i++
		}
	}
	return -1
}

// missingVerb is the error for a URL in the place of a verb.
func (a *app) missingVerb(text string) error {
	scheme, _, _ := strings.Cut(text, ":")
	s := kit.SpecOf(a.reg, strings.ToLower(scheme))
	if s == nil {
		return a.unknownScheme(text, scheme)
	}
	shown := protocols.RedactText(text)
	if u, err := url.Parse(text); err == nil {
		shown = protocols.Redact(u)
	}
	var forms []string
	for _, name := range []string{"ls", "cat", "get", "send", "open", "connect", "probe"} {
		if v := a.lookup(name, s); v != nil && len(forms) < 3 {
			if !v.Generic && !a.isGeneric(name) {
				name = s.Name + " " + name
			}
			forms = append(forms, "netclients "+name+" "+shown)
		}
	}
	return kit.Usage("a verb is missing before the URL; did you mean %s?", strings.Join(forms, "; "))
}

func (a *app) isGeneric(name string) bool {
	for _, v := range a.verbs {
		if v.Name == name && v.Generic {
			return true
		}
	}
	return false
}

// unknownScheme is the error for a URL of a scheme that is not spoken here.
func (a *app) unknownScheme(text, scheme string) error {
	scheme = strings.ToLower(scheme)
	shown := protocols.RedactText(text)
	if other := hereIs(scheme + ":"); other != "" {
		return kit.Usage("%q: %s: is not spoken here; use %s", shown, scheme, other)
	}
	var schemes, names []string
	for _, s := range a.reg.Specs() {
		for _, sc := range s.Schemes {
			schemes = append(schemes, sc.Name)
		}
		if !s.Hidden {
			names = append(names, s.Name)
		}
	}
	if guess := didYouMean(scheme, schemes); guess != "" {
		return kit.Usage("%q: unknown scheme %q%s", shown, scheme, guess)
	}
	return kit.Usage("%q: unknown scheme %q; the protocols are %s (netclients protocols lists their schemes)", shown, scheme, strings.Join(names, ", "))
}
