package socketcmd

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/pflag"

	"github.com/netclients/netclients/internal/cli/httpcmd"
	"github.com/netclients/netclients/internal/cli/kit"
	"github.com/netclients/netclients/internal/cli/verbs"
	"github.com/netclients/netclients/protocols/expect"
	"github.com/netclients/netclients/protocols/socket"
)

// webFlags are the flags of WebSocket.
type webFlags struct {
	headers, subprotocols []string
	frames                kit.Choice
}

func (w *webFlags) register(fs *pflag.FlagSet) {
	w.frames = kit.OneOf("auto", "auto", "text", "binary")
	fs.StringArrayVarP(&w.headers, "header", "H", nil, "`HEADER` of the request for a WebSocket, 'Name: value'; 'Name:' drops one of ours")
	fs.StringArrayVar(&w.subprotocols, "subprotocol", nil, "offer the subprotocol `NAME` to a WebSocket server")
	fs.Var(&w.frames, "frames", "send the messages of a WebSocket as this; auto: as text where they are UTF-8")
}

// frameKinds are the words of --frames.
var frameKinds = map[string]socket.Frames{"auto": socket.FramesAuto, "text": socket.FramesText, "binary": socket.FramesBinary}

func (w *webFlags) options() (o socket.WebSocket, err error) {
	o.Header, err = httpcmd.ParseHeaders(w.headers)
	o.Subprotocols, o.Frames = w.subprotocols, frameKinds[w.frames.Value]
	return o, err
}

// longestLine bounds a line of standard input that becomes one message: a longer one
// becomes several.
const longestLine = 1 << 20

// web makes the talk over a WebSocket: each line of standard input is a message without
// its line end, and each message of text is printed as a line; with --frames binary the
// bytes go as they come.
func (c *connector) web(e *kit.Env, v *verbs.TalkView, client *socket.Client, t *verbs.Joint) (open func(context.Context) (io.ReadWriteCloser, error)) {
	t.End = func(conn any) error {
		if !c.half() {
			return nil
		}
		return expect.EndInput(conn, true)
	}
	if client.Settings.WebSocket.Frames == socket.FramesBinary {
		t.Input = verbs.ReadAhead(e.Stdin)
		return client.Talk
	}
	t.Input = verbs.ReadLines(e.Stdin, longestLine)
	return func(ctx context.Context) (io.ReadWriteCloser, error) {
		conn, err := client.Connect(ctx)
		if err != nil {
			return nil, err
		}
		return &lineConn{conn, !e.Out.JSON && v.Plain()}, nil
	}
}

// lineConn is a WebSocket whose messages are lines here.
type lineConn struct {
	*socket.Conn
	print bool // an end is added to each message of text
}

func (l *lineConn) Write(p []byte) (int, error) {
	_, err := l.Conn.Write(bytes.TrimSuffix(p, []byte("\n")))
	return len(p), err
}

func (l *lineConn) Read(p []byte) (int, error) {
	n, err := l.Conn.Read(p[:len(p)-1])
	if end, text := l.Ended(); l.print && n > 0 && end && text && p[n-1] != '\n' {
		p[n] = '\n'
		n++
	}
	return n, err
}
