package kit

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netclients/netclients/internal/cli/secret"
	"github.com/netclients/netclients/protocols"
)

// dialFunc makes a connection, as Options.Dial does.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// commandDialer returns connections whose other end is the input and output of a
// command, as ssh's ProxyCommand. UNIX sockets are connected to as ever.
func commandDialer(line string) dialFunc {
	return func(_ context.Context, network, address string) (net.Conn, error) {
		switch network {
		case "unix":
			return nil, errors.ErrUnsupported // by the system
		case "udp":
			return nil, Usage("--proxy-command carries no datagrams")
		}
		filled, err := FillCommand(line, address)
		if err != nil {
			return nil, err
		}
		return startCommand(filled, address)
	}
}

// hostBytes are those that a host may have in a command line. A server that sends
// us on chooses hosts too, and no shell must find work in them.
const hostBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-"

// FillCommand puts host and port in the place of %h and %p; %% is a percent sign.
func FillCommand(line, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if strings.Trim(host+port, hostBytes) != "" || strings.HasPrefix(host, "-") {
		return "", Usage("--proxy-command: host %q does not go into a command line", host)
	}
	return strings.NewReplacer("%%", "%", "%h", host, "%p", port).Replace(line), nil
}

// startCommand runs a command line of the user's. It does not see the password.
func startCommand(line, address string) (net.Conn, error) {
	cmd := exec.Command("sh", "-c", line)
	cmd.Env = secret.Environ()
	cmd.Stderr = os.Stderr
	OwnGroup(cmd)
	cmd.Cancel = nil // for commands with a context only
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirIn.Close(), in.Close())
	}
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	err = errors.Join(cmd.Start(), theirIn.Close(), theirOut.Close())
	if err != nil {
		return nil, errors.Join(err, in.Close(), out.Close())
	}
	c := &commandConn{cmd: cmd, in: in, out: out, peer: commandAddr(address), ended: make(chan struct{})}
	go func() { // ends with the command, which Close ends
		c.status = cmd.Wait()
		close(c.ended)
	}()
	return c, nil
}

// commandAddr is what a command was asked to connect to. It is not an address of this
// machine's, so that no secret goes there unencrypted.
type commandAddr string

func (commandAddr) Network() string  { return "command" }
func (a commandAddr) String() string { return string(a) }

// commandConn is a command as a connection.
type commandConn struct {
	cmd     *exec.Cmd
	in, out *os.File // its input, its output
	peer    commandAddr
	heard   atomic.Bool   // it has said something
	ended   chan struct{} // closed at its end
	status  error         // how it ended, then
	once    sync.Once
}

// commandGrace is how long a command may take to end when its input has.
const commandGrace = 2 * time.Second

func (c *commandConn) Read(p []byte) (int, error) {
	n, err := c.out.Read(p)
	if n > 0 {
		c.heard.Store(true)
	}
	return n, c.reason(err)
}

func (c *commandConn) Write(p []byte) (int, error) {
	n, err := c.in.Write(p)
	return n, c.reason(err)
}

// reason describes a command that fails before it has said anything, as one does that
// cannot connect or is not there.
func (c *commandConn) reason(err error) error {
	gone := err == io.EOF || errors.Is(err, syscall.EPIPE)
	if !gone || c.heard.Load() || !c.wait() || c.status == nil {
		return err
	}
	return &protocols.Error{Kind: protocols.KindConnect, Retryable: true, Text: "the proxy command ended: " + c.status.Error()}
}

// CloseWrite ends the command's input.
func (c *commandConn) CloseWrite() error { return c.in.Close() }

// wait returns the command time to end, and reports whether it has.
func (c *commandConn) wait() bool {
	select {
	case <-c.ended:
		return true
	case <-time.After(commandGrace):
		return false
	}
}

// Close ends the command's input, and the command with all that it has started when
// that does not help.
func (c *commandConn) Close() error {
	c.once.Do(func() {
		c.in.Close()
		c.out.Close()
		if !c.wait() {
			EndGroup(c.cmd)
			_ = c.cmd.Process.Kill()
			<-c.ended
		}
	})
	return nil
}

func (c *commandConn) LocalAddr() net.Addr  { return commandAddr("") }
func (c *commandConn) RemoteAddr() net.Addr { return c.peer }

func (c *commandConn) SetReadDeadline(t time.Time) error  { return c.out.SetReadDeadline(t) }
func (c *commandConn) SetWriteDeadline(t time.Time) error { return c.in.SetWriteDeadline(t) }
func (c *commandConn) SetDeadline(t time.Time) error {
	return cmp.Or(c.out.SetReadDeadline(t), c.in.SetWriteDeadline(t))
}
