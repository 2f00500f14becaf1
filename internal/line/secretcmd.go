package line

import (
	"context"

	"github.com/netclients/netclients/internal/mask"
	"github.com/netclients/netclients/protocols"
)

// Raw is [Client.Do] for a command line that a user typed, which may carry a secret: no
// error shows it, not even one of a line that cannot be sent. f sends the line with
// [Core.QueueRaw], or asks [Core.RawSecret] where it sends by itself.
func (c *Client[S]) Raw(ctx context.Context, command string, f func(ctx context.Context, s S) error) error {
	c.Mask.Command(command)
	return c.Do(ctx, "raw", "", []string{command}, f)
}

// RawSecret judges a command line that a user typed, before it is sent: PASS, AUTH with
// an initial response and the like, or, where the newest reply was a challenge, the
// response to it. A secret is made known to the mask; one that may not go over this
// connection is an error, as that of [transport.Conn.AllowSecret]. shown is what a trace
// may show of the line, and secret says that this is not the line itself.
func (t *Core) RawSecret(command string) (shown string, secret bool, err error) {
	var c mask.Command
	if t.dialect.Challenge != nil && t.dialect.Challenge(t.Last) {
		c = t.Mask.Response(command, t.proving)
	} else {
		c = t.Mask.Command(command)
	}
	t.proving = c.Proving
	if c.Secret && !c.Proof {
		err = t.Conn.AllowSecret()
	}
	return c.Shown, c.Secret, err
}

// QueueRaw adds a command line that a user typed to the next flush, as it is. What it
// carries of a secret is not shown, and not sent where [Core.RawSecret] is against it.
func (t *Core) QueueRaw(command string) error {
	shown, secret, err := t.RawSecret(command)
	switch {
	case err != nil:
		return err
	case secret:
		return t.QueueSecret("", shown, command)
	}
	return t.Queue("", command)
}

// QueueResponse adds the response to a challenge, which no trace shows; "*" cancels the
// exchange.
func (t *Core) QueueResponse(response string) error {
	if response == "*" {
		return t.Queue(response)
	}
	return t.QueueSecret("", mask.Hidden, response)
}

// Respond sends the response to a challenge and reads the reply.
func (t *Core) Respond(response string) (*protocols.Reply, error) {
	if err := t.QueueResponse(response); err != nil {
		return nil, err
	}
	return t.Answer()
}
