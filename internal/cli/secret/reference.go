package secret

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols"
	"github.com/netclients/netclients/protocols/file"
)

// Reference says where a secret is, without the secret: it may be stored and sent to
// another machine, where [ParseReference] reads it.
type Reference struct {
	Kind string // a word of referenceKinds
	Name string // what it is called there; empty for the keyring
}

// referenceKinds are the words that begin a reference, with whether a name must follow.
var referenceKinds = map[string]bool{"profile": true, "env": true, "file": true, "command": true, "csv": true, "keyring": false}

// ParseReference reads profile:NAME, env:VARIABLE, file:PATH, command:LINE,
// csv:PATH#COLUMN or keyring. The error does not repeat the text, which may be a
// password that somebody wrote in the wrong place.
func ParseReference(text string) (*Reference, error) {
	kind, name, _ := strings.Cut(text, ":")
	named, known := referenceKinds[kind]
	switch {
	case !known:
		return nil, protocols.UsageError("", "", "a secret is named by profile:NAME, env:VARIABLE, file:PATH, command:LINE, csv:PATH#COLUMN or keyring, never written down")
	case named && name == "":
		return nil, protocols.UsageError("", "", "the reference "+kind+": names nothing")
	}
	return &Reference{kind, name}, nil
}

// RunsCommand reports whether the reference has a command line run.
func (r *Reference) RunsCommand() bool { return r.Kind == "command" }

// fromReference takes the secret from where the reference says. What is not there is
// an error: another secret is not meant.
func (s *search) fromReference() error {
	r := s.Reference
	if r == nil {
		return nil
	}
	if s.cred.User == "" {
		s.cred.User = cmp.Or(s.User, s.urlUser())
	}
	switch r.Kind {
	case "keyring":
		err := s.fromKeyring()
		if err == nil && !s.done {
			err = credError("the keyring has no entry for this user and server", nil)
		}
		return err
	case "profile":
		return s.fromNamedProfile(r.Name)
	}
	secret, err := s.referred(r)
	if err == nil {
		s.password(secret)
	}
	return err
}

func (s *search) urlUser() string {
	if s.URL == nil {
		return ""
	}
	return s.URL.User.Username()
}

func (s *search) referred(r *Reference) (string, error) {
	switch r.Kind {
	case "env":
		if value := s.Getenv(r.Name); value != "" {
			return value, nil
		}
		return "", credError("the environment has no variable "+r.Name, nil)
	case "file":
		return s.secretFile(r.Name)
	case "command":
		return s.commandSecret(r.Name)
	}
	t := s.Tables
	if t == nil {
		t = &Tables{}
	}
	return t.find(s.ctx, r.Name, s.cred.User, s.req.Host)
}

// fromNamedProfile takes user and secret of a profile. One with a URL is for that server.
func (s *search) fromNamedProfile(name string) error {
	conf, err := LoadConfig(s.ctx, "", s.Getenv)
	if err != nil {
		return err
	}
	p, err := conf.Profile(name)
	if err != nil {
		return err
	}
	before := s.resolver
	with := *before
	with.Profile = p
	s.resolver = &with
	defer func() { s.resolver = before }()
	user, err := s.profileUser()
	if err != nil {
		return err
	}
	if !s.profileFits() || !s.user(user) {
		return credError("profile "+name+" is for another server or user", nil)
	}
	if err := s.stored(string(p.TokenFile), string(p.TokenCommand), string(p.PasswordFile), string(p.PasswordCommand)); err != nil {
		return err
	}
	if !s.done && s.cred.Token == "" {
		return s.fromKeyring()
	}
	return nil
}

// Tables holds CSV files with a row for each account, each read once. Many goroutines may
// share it.
type Tables struct {
	mu    sync.Mutex
	known map[string]*passwordTable
}

type passwordTable struct {
	columns []string
	rows    map[string][][]string // by user, in lower case
	size    int64
	changed time.Time // when the file was
}

// maxTable bounds such a file.
const maxTable = 64 << 20

// find returns the password of a user. name is PATH#COLUMN; without COLUMN it is
// "password". A column "host", where there is one, is that of the server.
func (t *Tables) find(ctx context.Context, name, user, host string) (string, error) {
	path, column := name, "password"
	if i := strings.LastIndexByte(name, '#'); i >= 0 {
		path, column = name[:i], name[i+1:]
	}
	table, err := t.table(ctx, path)
	if err != nil {
		return "", err
	}
	at, hostAt := slices.Index(table.columns, column), slices.Index(table.columns, "host")
	if at < 0 {
		return "", credError(fmt.Sprintf("%s has no column %q", path, column), nil)
	}
	for _, row := range table.rows[strings.ToLower(user)] {
		if hostAt < 0 || strings.EqualFold(row[hostAt], host) {
			if row[at] == "" {
				return "", credError(fmt.Sprintf("%s has no password for %s", path, user), nil)
			}
			return row[at], nil
		}
	}
	return "", credError(fmt.Sprintf("%s has no row for user %s at %s", path, user, host), nil)
}

func (t *Tables) table(ctx context.Context, path string) (*passwordTable, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f, err := file.Open(ctx, path, file.RuleNamed, os.O_RDONLY, 0)
	if err != nil {
		return nil, fileError(ctx, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, credError("", err)
	}
	if known := t.known[path]; known != nil && known.size == info.Size() && known.changed.Equal(info.ModTime()) {
		return known, nil
	}
	table, err := readTable(io.LimitReader(f, maxTable))
	if err != nil {
		return nil, credError(fmt.Sprintf("%s: %v", path, err), nil)
	}
	table.size, table.changed = info.Size(), info.ModTime()
	if t.known == nil {
		t.known = map[string]*passwordTable{}
	}
	t.known[path] = table
	return table, nil
}

// readTable reads a CSV whose first line names the columns. Errors repeat nothing of it.
func readTable(r io.Reader) (*passwordTable, error) {
	in := csv.NewReader(r)
	columns, err := in.Read()
	if err != nil {
		return nil, errors.New("the first line does not name columns")
	}
	user := slices.Index(columns, "user")
	if user < 0 {
		return nil, errors.New("there is no column \"user\"")
	}
	t := &passwordTable{columns: columns, rows: map[string][][]string{}}
	for {
		row, err := in.Read()
		if err == io.EOF {
			return t, nil
		}
		if err != nil {
			line, _ := in.FieldPos(0)
			return nil, fmt.Errorf("line %d is not a row of this table", line)
		}
		key := strings.ToLower(row[user])
		t.rows[key] = append(t.rows[key], row)
	}
}
