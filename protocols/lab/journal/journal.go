// Package journal remembers what the servers of the lab received, for those who watch:
// stored files, posted articles, HTTP requests, and what was said on each connection.
// It keeps a bounded number of each, the newest, and tells subscribers at once. It
// implements no RFC.
package journal

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/netclients/netclients/protocols/lab/base"
)

// Limits bound what a journal keeps. Zero fields mean the defaults.
type Limits struct {
	Files    int   // default 1,000
	Posts    int   // default 1,000
	Requests int   // default 1,000
	Bodies   int64 // bytes of the bodies of requests; default 32 MiB
	Talks    int   // conversations; default 200
	Steps    int   // of one conversation; default 400
}

// File is a file that a client stored.
type File struct {
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Protocol string    `json:"protocol"`
	Path     string    `json:"path"`
	Size     int64     `json:"size"`
}

// Post is an article that a client posted.
type Post struct {
	ID      string    `json:"id"` // message-id, with its brackets
	Time    time.Time `json:"time"`
	Groups  string    `json:"groups"`
	From    string    `json:"from"`
	Subject string    `json:"subject"`
	Size    int       `json:"size"`
}

// Request is an HTTP request that a client made.
type Request struct {
	ID       string        `json:"id"`
	Time     time.Time     `json:"time"`
	Protocol string        `json:"protocol"` // http, https, xmlrpc
	Took     time.Duration `json:"took_ns"`
	Remote   string        `json:"remote"`
	Method   string        `json:"method"`
	URI      string        `json:"uri"`
	Proto    string        `json:"proto"`
	Host     string        `json:"host"`
	Header   http.Header   `json:"headers"`
	Body     []byte        `json:"-"`
	Bytes    int64         `json:"bytes"`
	Status   int           `json:"status"`
}

// Talk is what was said on one connection.
type Talk struct {
	ID       string    `json:"id"` // protocol and number
	Protocol string    `json:"protocol"`
	Channel  string    `json:"channel"`
	Client   string    `json:"client"`
	Start    time.Time `json:"start"`
	Last     time.Time `json:"last"`
	Open     bool      `json:"open"`
	Steps    int       `json:"steps"` // all of them, also those that are not kept
	First    string    `json:"first"` // the first line of the client

	kept []Step
}

// Step is a step of a conversation.
type Step struct {
	Time  time.Time     `json:"time"`
	Kind  base.StepKind `json:"kind"`
	Text  string        `json:"text,omitempty"`
	Bytes int64         `json:"bytes,omitempty"`
}

// Event is what a subscriber gets.
type Event struct {
	Kind string `json:"kind"` // mail, file, post, request, talk, step, faults, gone; "missed" when some were lost
	ID   string `json:"id,omitempty"`
	Data any    `json:"data,omitempty"`
}

// Journal is a journal. It is safe for concurrent use.
type Journal struct {
	limits Limits

	mu       sync.Mutex
	last     int64
	files    []File
	posts    []Post
	requests []Request
	bodies   int64
	talks    []*Talk
	subs     map[*subscriber]struct{}
	changed  chan struct{}
}

// subscriber is one who is told.
type subscriber struct {
	events chan Event
	missed bool
}

// New returns an empty journal.
func New(l Limits) *Journal {
	for _, d := range []struct{ at, or *int }{
		{&l.Files, ptr(1000)}, {&l.Posts, ptr(1000)}, {&l.Requests, ptr(1000)}, {&l.Talks, ptr(200)}, {&l.Steps, ptr(400)},
	} {
		if *d.at <= 0 {
			*d.at = *d.or
		}
	}
	if l.Bodies <= 0 {
		l.Bodies = 32 << 20
	}
	return &Journal{limits: l, subs: map[*subscriber]struct{}{}, changed: make(chan struct{})}
}

func ptr(n int) *int { return &n }

// Subscribe returns a channel of events, and what ends them. A subscriber that does not
// keep up misses events, and is told so.
func (j *Journal) Subscribe() (<-chan Event, func()) {
	s := &subscriber{events: make(chan Event, 1024)}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subs[s] = struct{}{}
	return s.events, func() {
		j.mu.Lock()
		defer j.mu.Unlock()
		delete(j.subs, s)
	}
}

// Tell has subscribers know of something that is kept elsewhere.
func (j *Journal) Tell(e Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.tell(e)
}

// tell wakes those who wait, and sends an event. The caller holds the lock.
func (j *Journal) tell(e Event) {
	if e.Kind != "step" && e.Kind != "talk" {
		close(j.changed)
		j.changed = make(chan struct{})
	}
	for s := range j.subs {
		if s.missed {
			select {
			case s.events <- Event{Kind: "missed"}:
				s.missed = false
			default:
				continue
			}
		}
		select {
		case s.events <- e:
		default:
			s.missed = true
		}
	}
}

// Changed returns a channel that is closed when something new has come.
func (j *Journal) Changed() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.changed
}

// next returns a new ID. The caller holds the lock.
func (j *Journal) next(word string) string {
	j.last++
	return fmt.Sprintf("%s%d", word, j.last)
}

// limited drops the oldest of too many.
func limited[T any](list []T, most int) []T {
	if len(list) > most {
		list = slices.Delete(list, 0, len(list)-most)
	}
	return list
}

// AddFile notes a stored file.
func (j *Journal) AddFile(f File) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f.ID = j.next("f")
	j.files = limited(append(j.files, f), j.limits.Files)
	j.tell(Event{"file", f.ID, f})
}

// AddPost notes a posted article.
func (j *Journal) AddPost(p Post) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.posts = limited(append(j.posts, p), j.limits.Posts)
	j.tell(Event{"post", p.ID, p})
}

// AddRequest notes an HTTP request.
func (j *Journal) AddRequest(r Request) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r.ID = j.next("r")
	j.requests = append(j.requests, r)
	j.bodies += int64(len(r.Body))
	for len(j.requests) > 1 && (len(j.requests) > j.limits.Requests || j.bodies > j.limits.Bodies) {
		j.bodies -= int64(len(j.requests[0].Body))
		j.requests = slices.Delete(j.requests, 0, 1)
	}
	j.tell(Event{"request", r.ID, r})
}

// AddStep notes a step of a conversation with the server of a protocol.
func (j *Journal) AddStep(protocol string, s base.Step) {
	j.mu.Lock()
	defer j.mu.Unlock()
	id := fmt.Sprintf("%s-%d", protocol, s.Conn)
	var t *Talk
	for i := len(j.talks) - 1; i >= 0 && t == nil; i-- {
		if j.talks[i].ID == id {
			t = j.talks[i]
		}
	}
	if t == nil {
		t = &Talk{ID: id, Protocol: protocol, Channel: s.Channel, Client: s.Text, Start: s.Time, Open: true}
		j.talks = limited(append(j.talks, t), j.limits.Talks)
	}
	t.add(s, j.limits.Steps)
	if s.Kind == base.StepConnect || s.Kind == base.StepClose || t.Steps == 2 {
		j.tell(Event{"talk", t.ID, *t})
	}
	j.tell(Event{"step", t.ID, stepOf(s)})
}

func stepOf(s base.Step) Step { return Step{s.Time, s.Kind, s.Text, s.Bytes} }

func (t *Talk) add(s base.Step, most int) {
	t.Last, t.Steps = s.Time, t.Steps+1
	if s.Kind == base.StepClose {
		t.Open = false
	}
	if t.First == "" && s.Kind == base.StepSend {
		t.First = s.Text
	}
	if len(t.kept) < most || s.Kind == base.StepClose {
		t.kept = append(t.kept, stepOf(s))
	}
}
