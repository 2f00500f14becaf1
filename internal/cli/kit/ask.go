package kit

import (
	"context"
	"os"
	"strconv"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
)

// AskCredential returns who is to log in at a target, as the URL, the flags, the
// environment or a person at the terminal say now: nothing that is stored is looked for.
func (e *Env) AskCredential(ctx context.Context, t *protocols.Target) (protocols.Credential, error) {
	g, port := e.Flags, ""
	if t.Scheme.Port != 0 {
		port = strconv.Itoa(t.Scheme.Port)
	}
	ask := secret.NewCredentials(secret.Sources{
		User: g.user, PasswordFile: g.passwordFile, PasswordCommand: g.passwordCommand, TokenFile: g.tokenFile, TokenCommand: g.tokenCommand,
		URL: t.URL, DefaultPort: port, Getenv: os.Getenv, Stdin: e.Stdin, Terminal: secret.OpenTerminal, Warn: e.Out.Warn, Shared: e.Shared,
		Found: e.Out.Hidden.AddCredential, Told: true,
	})
	host, port := protocols.HostPort(t.URL, t.Scheme)
	return ask(ctx, protocols.CredentialRequest{Protocol: t.Spec.Name, Scheme: t.URL.Scheme, Host: host, Port: port, User: t.URL.User.Username()})
}

// LoginUser returns the user that the URL of a target or --user names.
func (e *Env) LoginUser(t *protocols.Target) string {
	if name := t.URL.User.Username(); name != "" {
		return name
	}
	return e.Flags.user
}
