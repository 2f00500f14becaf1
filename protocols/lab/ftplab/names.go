package ftplab

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/netclients/netclients/protocols/lab/base"
)

// fail answers with the reply code of an error.
func (x *control) fail(err error) {
	code, text := replyFor(err)
	x.reply(code, text)
}

// replyFor maps an error to a reply.
func replyFor(err error) (int, string) {
	for _, row := range []struct {
		err  error
		code int
		text string
	}{
		{fs.ErrNotExist, 550, "No such file or directory."},
		{fs.ErrExist, 550, "File exists."},
		{fs.ErrPermission, 550, "Permission denied."},
		{fs.ErrInvalid, 553, "File name not allowed."},
		{base.ErrNotDir, 550, "Not a directory."},
		{base.ErrIsDir, 550, "Is a directory."},
		{base.ErrNotEmpty, 550, "Directory not empty."},
		{base.ErrLoop, 550, "Too many symbolic links."},
		{base.ErrVirtual, 550, "Permission denied."},
		{base.ErrDiskFull, 452, "Insufficient storage space in system."},
		{errQuota, 552, "Exceeded storage allocation."},
		{errNoReuse, 522, "SSL connection failed: session reuse required"},
		{errDataTLS, 522, "SSL connection failed."},
		{errNoData, 425, "Can't open data connection."},
		{errAborted, 426, "Connection closed; transfer aborted."},
	} {
		if errors.Is(err, row.err) {
			return row.code, row.text
		}
	}
	return 451, "Requested action aborted: local error in processing."
}

// quoted is a path as a 257 reply shows it (RFC 959 appendix II).
func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// done replies with code and text, or with err's reply.
func (x *control) done(err error, code int, text string) {
	if err != nil {
		x.fail(err)
		return
	}
	x.reply(code, text)
}

func cmdPwd(x *session, _ string) { x.reply(257, quoted(x.cwd)+" is the current directory") }

func cmdCwd(x *session, name string) {
	at := x.path(name)
	info, err := x.srv.tree.Stat(at)
	if err == nil && !info.IsDir() {
		err = base.ErrNotDir
	}
	if err == nil {
		x.cwd = at
	}
	x.done(err, 250, "Directory successfully changed.")
}

func cmdCdup(x *session, _ string) { cmdCwd(x, "..") }

func cmdMkd(x *session, name string) {
	at := x.path(name)
	x.done(x.srv.tree.Mkdir(at), 257, quoted(at)+" created")
}

func cmdRmd(x *session, name string) {
	x.done(x.srv.tree.Rmdir(x.path(name)), 250, "Remove directory operation successful.")
}

func cmdDele(x *session, name string) {
	x.done(x.srv.tree.Remove(x.path(name)), 250, "Delete operation successful.")
}

func cmdRnfr(x *session, name string) {
	at := x.path(name)
	_, err := x.srv.tree.Lstat(at)
	if err == nil {
		x.rename = at
	}
	x.done(err, 350, "Ready for RNTO.")
}

func cmdRnto(x *session, name string) {
	if x.rename == "" {
		x.reply(503, "RNFR required first.")
		return
	}
	x.done(x.srv.tree.Rename(x.rename, x.path(name)), 250, "Rename successful.")
}
