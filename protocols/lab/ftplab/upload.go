package ftplab

import (
	"fmt"
	"io"
	"net"
	"path"

	"github.com/netclients/netclients/protocols/lab/base"
)

func cmdStor(x *session, name string) {
	at := x.path(name)
	if x.rest > 0 && x.ascii {
		x.reply(554, "No restart in ASCII mode.")
		return
	}
	x.upload(at, x.opening(name), x.rest, x.rest == 0)
}

func cmdAppe(x *session, name string) {
	at := x.path(name)
	off := int64(0)
	if info, err := x.srv.tree.Stat(at); err == nil {
		off = info.Size
	}
	x.upload(at, x.opening(name), off, false)
}

func cmdStou(x *session, name string) {
	if name == "" {
		name = "upload"
	}
	at := x.path(name)
	for i := 1; ; i++ {
		if _, err := x.srv.tree.Lstat(at); err != nil {
			break
		}
		at = x.path(fmt.Sprintf("%s.%d", name, i))
	}
	// The form of the reply is RFC 1123 section 4.1.2.9.
	x.upload(at, "FILE: "+path.Base(at), 0, true)
}

// upload receives a file from the data connection.
func (x *session) upload(at, opening string, off int64, truncate bool) {
	if !x.ready() {
		return
	}
	_, err := x.srv.tree.Lstat(at)
	fresh := err != nil
	f, err := x.srv.tree.Create(at)
	if err != nil {
		code, text := replyFor(err)
		if code == 550 {
			code = 553
		}
		x.reply(code, text)
		return
	}
	defer f.Close()
	if fresh {
		x.srv.tree.Chmod(at, 0o666&^x.umask)
	}
	if truncate {
		f.Truncate(0)
	}
	ascii := x.ascii
	x.transfer(opening, func(conn net.Conn) error {
		sink := io.WriteCloser(&upload{f: f, off: off, quota: x.srv.opt.Quota, left: x.truncation()})
		if ascii {
			sink = &unixLines{w: sink}
		}
		err := x.receive(sink, conn)
		if err == nil && x.srv.opt.OnUpload != nil {
			x.srv.opt.OnUpload(at)
		}
		return err
	})
}

// receive copies until the client ends the connection.
func (x *session) receive(w io.WriteCloser, conn net.Conn) error {
	buf := x.srv.buffers.Get().(*[dataBuffer]byte)
	defer x.srv.buffers.Put(buf)
	for {
		n, err := conn.Read(buf[:])
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		if err == io.EOF {
			return w.Close()
		}
		if err != nil {
			return err
		}
	}
}

// upload writes to a file from an offset on. It silently drops what is beyond
// left bytes, for the truncate fault.
type upload struct {
	f     *base.File
	off   int64
	quota int64
	left  int64
}

func (u *upload) Write(p []byte) (int, error) {
	keep := p[:min(int64(len(p)), u.left)]
	if u.quota > 0 && u.off+int64(len(keep)) > u.quota {
		return 0, errQuota
	}
	if _, err := u.f.WriteAt(keep, u.off); err != nil {
		return 0, err
	}
	u.off, u.left = u.off+int64(len(keep)), u.left-int64(len(keep))
	return len(p), nil
}

// Close has nothing to do.
func (u *upload) Close() error { return nil }

// unixLines turns CR LF into LF.
type unixLines struct {
	w    io.WriteCloser
	held bool // a CR at the end of the last piece
}

func (u *unixLines) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+1)
	for _, c := range p {
		if u.held && c != '\n' {
			out = append(out, '\r')
		}
		if u.held = c == '\r'; !u.held {
			out = append(out, c)
		}
	}
	if _, err := u.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close writes a CR that was the very last byte.
func (u *unixLines) Close() error {
	if u.held {
		if _, err := u.w.Write([]byte{'\r'}); err != nil {
			return err
		}
	}
	return u.w.Close()
}
