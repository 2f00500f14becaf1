package fleetcmd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/internal/fleet"
	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// splitter makes jobs of the parts of a large thing: the mailboxes of an account, the
// groups of a news server, the folders of a tree, the targets of a file.
type splitter struct {
	m       Machine
	verb    string
	targets string
	flags   []string
	secrets []string
}

func splitCommand(m Machine) *kit.Command {
	s := &splitter{m: m}
	return &kit.Command{
		Name: "split", Args: "[SRC] [DST]", Short: "print jobs for the parts of SRC: mailboxes, groups, first-level folders; or for the targets of a file",
		Example: "  netclients fleet split imap://ann@old.example/ imap://ann@new.example/ --secret src=env:OLD --secret dst=env:NEW | netclients fleet run -\n" +
			"  netclients fleet split 'nntp://news.example/comp.*' maildir:news\n  netclients fleet split ftp://mirror.example/pub/ pub/\n  netclients fleet split --verb probe --targets hosts.txt",
		Flags: s.register, Run: s.run,
		Uses: []string{"connect-timeout", "idle-timeout", "retries", "retry-wait", "tls", "tls-min", "tls-max", "insecure", "ca-file", "capath", "ciphers", "alpn", "cert", "key", "key-password-file", "servername", "pin", "user", "password-file", "password-command", "netrc-file", "token-file", "token-command", "auth", "authzid", "allow-plaintext-auth", "profile", "proxy", "preproxy", "proxy-header", "noproxy", "resolve", "doh-url", "connect-to", "ipv4", "ipv6"},
	}
}

func (s *splitter) register(fs *pflag.FlagSet) {
	fs.StringVar(&s.verb, "verb", "sync", "the `VERB` of the jobs")
	fs.StringVar(&s.targets, "targets", "", "make a job of each line of `FILE`, a URL; # begins a comment, - is standard input")
	fs.StringArrayVar(&s.flags, "flag", nil, "flag of all jobs: `NAME=VALUE`, or NAME")
	fs.StringArrayVar(&s.secrets, "secret", nil, "where a worker finds a secret: `src=REFERENCE` or dst=REFERENCE")
}

func (s *splitter) run(ctx context.Context, e *kit.Env, args []string) error {
	refs, err := (&flags{secrets: s.secrets}).references()
	if err != nil {
		return err
	}
	set := map[string]any{}
	for _, text := range s.flags {
		name, value, valued := strings.Cut(strings.TrimPrefix(text, "--"), "=")
		if set[name] = any(value); !valued {
			set[name] = true
		}
	}
	if len(set) == 0 {
		set = nil
	}
	n := 0
	for parts, err := range s.parts(ctx, e, args, refs) {
		if err != nil {
			return err
		}
		j := &fleet.Job{Verb: s.verb, Args: parts, Flags: maps.Clone(set)}
		if len(refs) > 0 {
			j.Secrets = refs
		}
		if err := j.Check(); err != nil {
			return err
		}
		n++
		if err := e.Out.Object(j); err != nil { // JSON in any case: it is a jobs file
			return err
		}
	}
	e.Out.Detail(jobs(n))
	return nil
}

// parts yields the arguments of each job.
func (s *splitter) parts(ctx context.Context, e *kit.Env, args []string, refs map[string]string) iter.Seq2[[]string, error] {
	switch {
	case s.targets != "" && len(args) == 0:
		return s.targetLines(e)
	case s.targets != "" || len(args) != 2:
		return func(yield func([]string, error) bool) {
			yield(nil, kit.Usage("fleet split: want SRC and DST, or --targets FILE"))
		}
	}
	return s.entries(ctx, e, args[0], args[1], refs)
}

// targetLines yields the targets of a file, or of standard input, once all lines are right.
func (s *splitter) targetLines(e *kit.Env) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		from, err := openSource(e, s.targets)
		if err == nil {
			err = eachTarget(from, s.checkTarget)
		}
		if err == nil {
			err = eachTarget(from, func(line, _ string) error {
				if !yield([]string{line}, nil) {
					return io.EOF
				}
				return nil
			})
		}
		if err != nil && err != io.EOF {
			yield(nil, err)
		}
	}
}

// checkTarget returns an error for a line that is not a URL, or holds a secret; at is its
// place.
func (s *splitter) checkTarget(line, at string) error {
	err := (&fleet.Job{Verb: s.verb, Args: []string{line}}).Check()
	if err == nil && !kit.HasScheme(line) {
		err = kit.Usage("the line is not a URL: write it with its scheme, such as imap://mail.example.org")
	}
	if err == nil {
		_, err = s.m.Target(line)
	}
	if err != nil {
		return kit.Usage("fleet split: %s: %s", at, protocols.Wrap(err, "", "", "").(*protocols.Error).Message())
	}
	return nil
}

// eachTarget calls do with each line of a file that is not empty or a comment, and with its
// place, until do returns an error.
func eachTarget(from *source, do func(line, at string) error) error {
	in, err := from.open()
	if err != nil {
		return err
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line, _, _ := strings.Cut(lines.Text(), " #")
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		if err := do(line, fmt.Sprintf("%s:%d", from.name, n)); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", from.name, err)
	}
	return nil
}

// partTypes are the types of entries that are parts.
var partTypes = []protocols.Type{protocols.TypeMailbox, protocols.TypeGroup, protocols.TypeDir}

// entries yields a job for each part of the source; the same name is its place in the
// destination.
func (s *splitter) entries(ctx context.Context, e *kit.Env, from, to string, refs map[string]string) iter.Seq2[[]string, error] {
	return func(yield func([]string, error) bool) {
		src, err := e.Target(from)
		if err == nil && refs[fleet.Source] != "" {
			err = s.secretOf(e, src, refs[fleet.Source])
		}
		var c protocols.Client
		if err == nil {
			c, err = e.Client(src)
		}
		if err != nil {
			yield(nil, err)
			return
		}
		loose := false
		for entry, err := range protocols.List(ctx, c, src.Name) {
			if err != nil {
				yield(nil, protocols.Wrap(err, src.Spec.Name, "fleet split", protocols.Redact(src.URL)))
				return
			}
			if !slices.Contains(partTypes, entry.Type) || entry.Name == "" {
				loose = loose || entry.Type == protocols.TypeFile || entry.Type == protocols.TypeLink
				continue
			}
			place, err := below(to, entry.Name, entry.Type)
			if !yield([]string{partURL(entry.URL, src), place}, err) || err != nil {
				return
			}
		}
		if loose {
			e.Out.Warn("files directly in " + protocols.Redact(src.URL) + " belong to no folder: a job of its own with --depth 1 takes them")
		}
	}
}

// secretOf has the login for the listing come from where the jobs find it.
func (s *splitter) secretOf(e *kit.Env, t *protocols.Target, text string) error {
	ref, err := secret.ParseReference(text)
	if err != nil {
		return err
	}
	e.Hosted = &kit.Hosted{Secret: func(*protocols.Target) *secret.Reference { return ref }, Tables: &secret.Tables{}}
	return nil
}

// partURL returns the URL of a part with the user of the source, never its password.
func partURL(text string, src *protocols.Target) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	if u.Scheme == "file" {
		return u.Path
	}
	u.User = nil
	if name := src.URL.User.Username(); name != "" {
		u.User = url.User(name)
	}
	return u.String()
}

// below returns the place of a part in the destination: one component more, made safe,
// since names come from the server.
func below(to, name string, of protocols.Type) (string, error) {
	end := ""
	if of == protocols.TypeDir {
		end = "/"
	}
	if u, err := url.Parse(to); err == nil && u.Host != "" {
		if name == "." || name == ".." {
			return "", protocols.ProtocolError("", "fleet split", "the server lists a part with the name "+name)
		}
		u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + "/" + url.PathEscape(name) + end
		u.Path = strings.TrimSuffix(u.Path, "/") + "/" + name + end
		return u.String(), nil
	}
	safe, err := file.SafeName(name)
	return strings.TrimSuffix(to, "/") + "/" + safe + end, err
}
