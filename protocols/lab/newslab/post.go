package newslab

import (
	"bufio"
	"bytes"
	"strings"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// maxNewsArticle bounds an article that is posted.
const maxNewsArticle = 64 << 20

// receive reads an article up to its final dot.
func (x *session) receive() ([]byte, bool) {
	if x.flush() != nil {
		x.ended = true
		return nil, false
	}
	var b bytes.Buffer
	for start := true; b.Len() <= maxNewsArticle; {
		line, err := x.in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull { // a long line comes in pieces
			break
		}
		if start && string(line) == ".\r\n" {
			return b.Bytes(), true
		}
		if start && line[0] == '.' {
			line = line[1:]
		}
		b.Write(line)
		start = err == nil
	}
	x.ended = true
	return nil, false
}

// take adds an article to the spool.
func (s *Server) take(data []byte, now time.Time) (id string, err error) {
	id, err = s.news.add(bytes.Clone(data), now)
	if err == nil && s.opt.OnPost != nil {
		s.opt.OnPost(id)
	}
	return id, err
}

func cmdPost(x *session, _ string) {
	if x.srv.opt.ReadOnly {
		x.reply(440, "Posting not permitted")
		return
	}
	x.reply(340, "Ok, send the article")
	data, ok := x.receive()
	if !ok || x.fault(base.PointEnd) {
		return
	}
	for _, name := range []string{"From", "Subject", "Newsgroups"} {
		if newsHeader(data, name) == "" {
			x.reply(441, "Missing required "+name+" header")
			return
		}
	}
	id, err := x.srv.take(data, x.now())
	if err != nil {
		x.reply(441, err.Error())
		return
	}
	x.obey(data)
	x.reply(240, "Article received "+id)
}

// obey carries out the control messages that take articles away.
func (x *session) obey(data []byte) {
	if id, ok := strings.CutPrefix(newsHeader(data, "Control"), "cancel "); ok {
		x.srv.news.Cancel(strings.TrimSpace(id))
	}
	if id := newsHeader(data, "Supersedes"); id != "" {
		x.srv.news.Cancel(id)
	}
}

func cmdIhave(x *session, id string) {
	if x.srv.news.find(id) != nil {
		x.reply(435, "Not wanted")
		return
	}
	x.reply(335, "Send it")
	data, ok := x.receive()
	if !ok {
		return
	}
	if _, err := x.srv.take(data, x.now()); err != nil {
		x.reply(437, err.Error())
		return
	}
	x.reply(235, "Thanks")
}

func cmdCheck(x *session, id string) {
	if x.srv.news.find(id) != nil {
		x.reply(438, id)
		return
	}
	x.reply(238, id)
}

func cmdTakethis(x *session, id string) {
	data, ok := x.receive()
	if !ok {
		return
	}
	if _, err := x.srv.take(data, x.now()); err != nil {
		x.reply(439, id)
		return
	}
	x.reply(239, id)
}
