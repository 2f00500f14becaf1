package secret

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/file"
)

// FileLine returns the first line of a file without its end. exposed, which may be
// nil, is called when other users can read the file. Waiting for a FIFO ends with ctx.
func FileLine(ctx context.Context, path string, exposed func()) (string, error) {
	f, err := file.Open(ctx, path, file.RuleNamed, os.O_RDONLY, 0)
	if err != nil {
		return "", fileError(ctx, err)
	}
	defer f.Close()
	defer file.EndWith(ctx, f)()
	info, err := f.Stat()
	if err != nil {
		return "", credError("", err)
	}
	if isExposed(info) && exposed != nil {
		exposed()
	}
	line, err := firstLine(f, path)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return line, err
}

// fileError is credError, but for the end of the context.
func fileError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return credError("", err)
}

// runSecret returns the first line that a shell command of the user prints. No
// word of a server is in its arguments or environment. It has no standard input,
// which may hold content to send; its messages pass.
func runSecret(ctx context.Context, command string) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Env, cmd.Stderr = Environ(), os.Stderr
	cmd.WaitDelay = time.Second
	out := &boundedBuffer{}
	cmd.Stdout = out
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if err != nil {
		return "", credError("the command for the secret: "+err.Error(), nil) // its exit code is not ours
	}
	return firstLine(&out.Buffer, "what the command for the secret prints")
}

// Environ returns the environment for commands of the user: that of the program,
// without the password that is meant for the program itself.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NETCLIENTS_PASSWORD=") })
}

// boundedBuffer drops what comes after more than a secret can have.
type boundedBuffer struct{ bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	keep := min(len(p), maxSecret+2-b.Len())
	b.Buffer.Write(p[:max(keep, 0)])
	return len(p), nil
}

// maxSecret bounds a password or token.
const maxSecret = 64 << 10

// firstLine reads a line without its end, byte for byte: what follows on
// standard input is content. name is for messages.
func firstLine(r io.Reader, name string) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		n, err := io.ReadFull(r, one)
		if n == 0 && err != io.EOF {
			return "", credError("", err)
		}
		if n == 0 || one[0] == '\n' {
			break
		}
		if line = append(line, one[0]); len(line) > maxSecret+1 {
			return "", credError(fmt.Sprintf("the first line of %s is longer than a secret may be, %d bytes", name, maxSecret), nil)
		}
	}
	secret := strings.TrimSuffix(string(line), "\r")
	if secret == "" {
		return "", credError(fmt.Sprintf("the first line of %s is empty", name), nil)
	}
	return secret, nil
}
