package protocols

import "context"

// Remover deletes a file or message; folders are the [Maker]'s.
type Remover interface {
	Remove(ctx context.Context, name string) error
}

// Remove deletes name with a client that is a [Remover].
func Remove(ctx context.Context, c Client, name string) error {
	r, err := need[Remover](c, "rm")
	if err != nil {
		return err
	}
	return r.Remove(ctx, name)
}

// Mover renames, and moves between folders.
type Mover interface {
	Move(ctx context.Context, from, to string) error
}

// Move renames with a client that is a [Mover].
func Move(ctx context.Context, c Client, from, to string) error {
	m, err := need[Mover](c, "mv")
	if err != nil {
		return err
	}
	return m.Move(ctx, from, to)
}

// Maker makes and removes empty folders or mailboxes.
type Maker interface {
	Make(ctx context.Context, name string) error
	Unmake(ctx context.Context, name string) error
}

// Make makes the folder or mailbox name with a client that is a [Maker].
func Make(ctx context.Context, c Client, name string) error {
	m, err := need[Maker](c, "mkdir")
	if err != nil {
		return err
	}
	return m.Make(ctx, name)
}

// Unmake removes the empty folder or mailbox name with a client that is a [Maker].
func Unmake(ctx context.Context, c Client, name string) error {
	m, err := need[Maker](c, "rmdir")
	if err != nil {
		return err
	}
	return m.Unmake(ctx, name)
}

// Relayer copies an object straight from its server to another server, without
// the bytes passing through here (FTP's FXP).
type Relayer interface {
	// Relay copies name to dst's toName. The error is of class
	// errors.ErrUnsupported when the pair of servers cannot do it.
	Relay(ctx context.Context, name string, dst Client, toName string) error
}

// Relay copies between two servers with a client that is a [Relayer].
func Relay(ctx context.Context, src Client, name string, dst Client, toName string) error {
	r, err := need[Relayer](src, "cp")
	if err != nil {
		return err
	}
	return r.Relay(ctx, name, dst, toName)
}
