package ftplab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strconv"

	"github.com/netclients/netclients/protocols/lab/base"
	"github.com/netclients/netclients/protocols/lab/internal/frame"
)

// dataBuffer is the piece in which files are moved.
const dataBuffer = 256 << 10

// transfer opens the data connection, runs move on it in the background and
// answers; meanwhile it listens for ABOR and STAT. The connection is closed
// before the last reply.
func (x *session) transfer(opening string, move func(net.Conn) error) {
	if !x.ready() {
		return
	}
	p := x.data
	x.data = nil
	defer p.close()
	x.reply(150, opening)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	result := make(chan error, 1)
	x.srv.front.Go(func() { result <- x.carry(ctx, p, move) })
	x.supervise(cancel, result)
}

// ready reports whether a data connection is prepared and allowed, and answers
// if it is not.
func (x *dataSide) ready() bool {
	switch {
	case x.data == nil:
		x.reply(425, "Use PORT or PASV first.")
	case x.srv.opt.TLS == base.TLSRequired && !x.private:
		x.reply(522, "Data connections must be encrypted.")
	default:
		return true
	}
	return false
}

// carry is the part of a transfer that runs in the background.
func (x *dataSide) carry(ctx context.Context, p *dataPlan, move func(net.Conn) error) error {
	conn, err := x.connect(ctx, p)
	if err != nil {
		return err
	}
	defer x.releaseData(conn)
	defer context.AfterFunc(ctx, func() { below(conn).Close() })()
	if err = move(progress{conn, x.srv.opt.DataTimeout}); err == nil {
		return nil
	}
	// An unexpected EOF is TLS without its orderly end (RFC 4217 section 13).
	_, network := errors.AsType[net.Error](err)
	if network || errors.Is(err, frame.ErrCut) || errors.Is(err, io.ErrUnexpectedEOF) || ctx.Err() != nil {
		return errAborted
	}
	return err
}

// below is the TCP (or faulty) connection under a data connection.
func below(conn net.Conn) net.Conn {
	if t, ok := conn.(*dataTLS); ok {
		return t.below
	}
	return conn
}

// supervise waits for the end of a transfer and answers it. Other commands
// than ABOR and STAT are kept for later; when there are too many, the client
// has to wait.
func (x *session) supervise(cancel context.CancelFunc, result <-chan error) {
	lines := x.lines
	for {
		select {
		case err := <-result:
			x.finished(err)
			return
		case line, ok := <-lines:
			switch verb, arg := frame.SplitCommand(line); {
			case !ok:
				cancel()
				x.ended, lines = true, nil
			case verb == "ABOR":
				x.abort(cancel, result)
				return
			case verb == "STAT" && arg == "":
				cmdStat(x, "")
			default:
				x.pending = append(x.pending, line)
				if len(x.pending) >= 64 || holds(line) {
					lines = nil
				}
			}
		}
	}
}

// abort ends a transfer for ABOR: 426 for the transfer, 226 for the command
// (RFC 959 section 4.1.3).
func (x *session) abort(cancel context.CancelFunc, result <-chan error) {
	if x.fault("ABOR") {
		cancel()
		<-result
		return
	}
	cancel()
	if err := <-result; err == nil {
		x.finished(nil)
	} else {
		x.fail(errAborted)
	}
	x.reply(226, "ABOR successful.")
}

// finished is the last reply of a transfer.
func (x *session) finished(err error) {
	if x.fault(base.PointEnd) {
		return
	}
	x.done(err, 226, "Transfer complete.")
}

func cmdAbor(x *session, _ string) { x.reply(225, "No transfer to ABOR.") }

func cmdRest(x *session, arg string) {
	n, err := strconv.ParseInt(arg, 10, 64)
	if err != nil || n < 0 {
		x.reply(501, "REST needs a number.")
		return
	}
	if !x.srv.opt.RestLies {
		x.rest = n
	}
	x.replyf(350, "Restart position accepted (%d).", n)
}

// truncation is the number of bytes after which a transfer is to end early.
func (x *session) truncation() int64 {
	if f, ok := x.srv.front.Faults.Kind(base.FaultTruncate); ok {
		return f.Bytes
	}
	return math.MaxInt64
}

func cmdRetr(x *session, name string) {
	at := x.path(name)
	f, err := x.srv.tree.Open(at)
	if err != nil {
		x.fail(err)
		return
	}
	defer f.Close()
	size, rest, ascii := f.Size(), x.rest, x.ascii
	if rest > size && !ascii {
		x.reply(554, "Restart position is after the end of the file.")
		return
	}
	opening := x.opening(fmt.Sprintf("%s (%d bytes)", name, size))
	x.transfer(opening, func(conn net.Conn) error {
		limit := x.truncation()
		if ascii {
			return sendASCII(conn, f, rest, limit)
		}
		return x.send(conn, f, rest, limit)
	})
}

// send writes a file from an offset on, at most limit bytes.
func (x *session) send(w io.Writer, f *base.File, off, limit int64) error {
	buf := x.srv.buffers.Get().(*[dataBuffer]byte)
	defer x.srv.buffers.Put(buf)
	for limit > 0 {
		n, err := f.ReadAt(buf[:min(dataBuffer, limit)], off)
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			return nil
		}
		off, limit = off+int64(n), limit-int64(n)
	}
	return nil
}

// sendASCII writes a file with every LF as CR LF, without the first skip bytes
// of that form: a restart counts what goes over the wire (RFC 3659 section 5).
func sendASCII(conn io.Writer, f *base.File, skip, limit int64) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, math.MaxInt64), dataBuffer)
	w := bufio.NewWriterSize(&window{w: conn, skip: skip, left: limit}, dataBuffer)
	var last byte
	for {
		c, err := r.ReadByte()
		if err != nil {
			return w.Flush()
		}
		if c == '\n' && last != '\r' {
			w.WriteByte('\r')
		}
		if err := w.WriteByte(c); err != nil {
			return err
		}
		last = c
	}
}

// window passes on only the bytes after the first skip, and only left of them.
type window struct {
	w          io.Writer
	skip, left int64
}

func (v *window) Write(p []byte) (int, error) {
	n := len(p)
	drop := min(int64(n), v.skip)
	v.skip -= drop
	p = p[drop:]
	p = p[:min(int64(len(p)), v.left)]
	v.left -= int64(len(p))
	if _, err := v.w.Write(p); err != nil {
		return 0, err
	}
	return n, nil
}
