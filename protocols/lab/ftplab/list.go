package ftplab

import (
	"bufio"
	"net"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// listRequest is what LIST and STAT were asked for.
type listRequest struct {
	all, recursive bool
	path           string
}

// maxDepth bounds LIST -R.
const maxDepth = 64

// listArgs takes ls-like options off a path.
func listArgs(arg string) listRequest {
	var q listRequest
	for strings.HasPrefix(arg, "-") {
		opts, rest, _ := strings.Cut(arg, " ")
		q.all = q.all || strings.Contains(opts, "a")
		q.recursive = q.recursive || strings.Contains(opts, "R")
		arg = strings.TrimLeft(rest, " ")
	}
	q.path = arg
	return q
}

// sendLines sends lines over a data connection with CR LF.
func (x *session) sendLines(produce func(emit func(string) error) error) {
	x.transfer("Here comes the directory listing.", func(conn net.Conn) error {
		w := bufio.NewWriterSize(&window{w: conn, left: x.truncation()}, dataBuffer)
		err := produce(func(line string) error {
			w.WriteString(line)
			_, err := w.WriteString("\r\n")
			return err
		})
		if err != nil {
			return err
		}
		return w.Flush()
	})
}

// emitAll emits each line.
func emitAll(lines []string, emit func(string) error) error {
	for _, line := range lines {
		if err := emit(line); err != nil {
			return err
		}
	}
	return nil
}

func cmdList(x *session, arg string) {
	q := listArgs(arg)
	if _, err := x.srv.tree.Stat(x.path(q.path)); err != nil {
		x.fail(err)
		return
	}
	x.sendLines(func(emit func(string) error) error { return x.list(q, emit) })
}

func cmdNlst(x *session, arg string) {
	q := listArgs(arg)
	at := x.path(q.path)
	infos, err := x.entries(at)
	if err != nil {
		x.fail(err)
		return
	}
	prefix := ""
	if q.path != "" {
		prefix = strings.TrimSuffix(q.path, "/") + "/"
		if isFile(x.srv.tree, at) {
			prefix = strings.TrimSuffix(q.path, path.Base(q.path))
		}
	}
	x.sendLines(func(emit func(string) error) error {
		for _, i := range infos {
			if strings.HasPrefix(i.Name, ".") && !q.all {
				continue
			}
			if err := emit(prefix + i.Name); err != nil {
				return err
			}
		}
		return emitAll(x.srv.opt.ExtraListLines, emit)
	})
}

// entries lists a directory, or the one file.
func (x *session) entries(at string) ([]base.Info, error) {
	info, err := x.srv.tree.Stat(at)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []base.Info{info}, nil
	}
	return x.srv.tree.ReadDir(at)
}

// list emits the lines of LIST in the server's dialect.
func (x *session) list(q listRequest, emit func(string) error) error {
	at := x.path(q.path)
	if q.recursive {
		return x.listAll(q, at, maxDepth, emit)
	}
	if err := x.listOne(q, at, emit); err != nil {
		return err
	}
	return emitAll(x.srv.opt.ExtraListLines, emit)
}

// listOne emits one directory with the dialect's frame.
func (x *session) listOne(q listRequest, at string, emit func(string) error) error {
	infos, err := x.entries(at)
	if err != nil {
		return err
	}
	if q.all {
		infos = append(x.dots(at), infos...)
	}
	d, look := x.srv.dialect, x.look()
	infos = slices.DeleteFunc(infos, func(i base.Info) bool {
		return !q.all && !d.hidden && strings.HasPrefix(i.Name, ".")
	})
	if err := emitAll(d.head(at, infos), emit); err != nil {
		return err
	}
	for n, i := range infos {
		if x.srv.opt.ListGarbageLines && n%3 == 0 {
			if err := emit("?? this is no listing line ??"); err != nil {
				return err
			}
		}
		if err := emit(d.line(i, look)); err != nil {
			return err
		}
	}
	return emitAll(d.foot(at, infos), emit)
}

// dots are the entries "." and "..".
func (x *session) dots(at string) []base.Info {
	var dots []base.Info
	for name, p := range map[string]string{".": at, "..": path.Dir(at)} {
		if i, err := x.srv.tree.Stat(p); err == nil {
			i.Name = name
			dots = append(dots, i)
		}
	}
	slices.SortFunc(dots, func(a, b base.Info) int { return strings.Compare(a.Name, b.Name) })
	return dots
}

// listAll is LIST -R: each directory under its name, as ls does it.
func (x *session) listAll(q listRequest, at string, depth int, emit func(string) error) error {
	title := "." + strings.TrimPrefix(at, strings.TrimSuffix(x.path(q.path), "/"))
	if title == "./" {
		title = "."
	}
	if err := emit(title + ":"); err != nil {
		return err
	}
	if err := x.listOne(q, at, emit); err != nil {
		return err
	}
	infos, err := x.entries(at)
	if err != nil || depth == 0 {
		return err
	}
	for _, i := range infos {
		if !i.IsDir() {
			continue
		}
		if err := emit(""); err != nil {
			return err
		}
		if err := x.listAll(q, path.Join(at, i.Name), depth-1, emit); err != nil {
			return err
		}
	}
	return nil
}

// look is the time and zone of a listing.
func (x *session) look() listLook {
	now := x.srv.opt.Now
	if now.IsZero() {
		now = time.Now()
	}
	return listLook{now: now, zone: x.srv.opt.TimeZone}
}
